// SPDX-License-Identifier: Apache-2.0

package crdcheck

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// served is the OpenAPI document that an API server makes of the CRDs in config/crd, once edit has changed their schemas.
func served(t *testing.T, edit func(kind string, schema map[string]any)) []byte {
	t.Helper()
	files, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	schemas := map[string]any{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd := map[string]any{}
		if err := yaml.Unmarshal(raw, &crd); err != nil {
			t.Fatal(err)
		}
		spec := crd["spec"].(map[string]any)
		kind := spec["names"].(map[string]any)["kind"].(string)
		schema := spec["versions"].([]any)[0].(map[string]any)["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
		schema["x-kubernetes-group-version-kind"] = []any{map[string]any{"group": "studio.livepeer.org", "version": "v1alpha1", "kind": kind}}
		edit(kind, schema)
		schemas["org.livepeer.studio.v1alpha1."+kind] = schema
	}
	body, err := json.Marshal(map[string]any{"components": map[string]any{"schemas": schemas}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// without removes a field, "status.output.upload", from the schema of a kind.
func without(kind, path string) func(string, map[string]any) {
	return func(of string, schema map[string]any) {
		if of != kind {
			return
		}
		parts := strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			if part == "[]" {
				schema = schema["items"].(map[string]any)
				continue
			}
			schema = schema["properties"].(map[string]any)[part].(map[string]any)
		}
		delete(schema["properties"].(map[string]any), parts[len(parts)-1])
	}
}

func nothing(string, map[string]any) {}

func TestMissing(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Missing(served(t, nothing))).To(BeEmpty(), "the CRDs of this very version")
	for path, want := range map[string]string{
		"LivepeerTask/spec.unknownFields":                               "LivepeerTask.spec.unknownFields",
		"LivepeerTask/status.output.upload.assetSpec.storage.ipfs.cid":  "LivepeerTask.status.output.upload.assetSpec.storage.ipfs.cid",
		"LivepeerTask/status.output":                                    "LivepeerTask.status.output", // and nothing below
		"LivepeerTask/status.output.upload.assetSpec.hash.[].algorithm": "LivepeerTask.status.output.upload.assetSpec.hash.algorithm",
		"LivepeerTask/status.output.transcode.assetSpec":                "LivepeerTask.status.output.transcode.assetSpec", // of what is embedded
		"LivepeerTaskSource/spec.notify":                                "LivepeerTaskSource.spec.notify",
		"LivepeerTaskSource/status.tasks.omitted":                       "LivepeerTaskSource.status.tasks.omitted",
	} {
		kind, path, _ := strings.Cut(path, "/")
		g.Expect(Missing(served(t, without(kind, path)))).To(Equal([]string{want}))
	}
	for _, body := range []string{"no JSON", "{}"} {
		_, err := Missing([]byte(body))
		g.Expect(err).To(HaveOccurred())
	}
}

// TestCheckSaysSo: once, with the next step; and nothing where all is well, or nothing can be told.
func TestCheckSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   []byte
		want   []string
	}{
		"as new":  {http.StatusOK, served(t, nothing), nil},
		"refused": {http.StatusForbidden, nil, nil},
		"older": {http.StatusOK, served(t, without("LivepeerTask", "status.output")), []string{
			"CRDs are older", "LivepeerTask.status.output", "kubectl rollout restart",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				g.Expect(r.URL.Path).To(Equal("/openapi/v3/apis/studio.livepeer.org/v1alpha1"))
				w.WriteHeader(c.status)
				_, _ = w.Write(c.body)
			}))
			defer web.Close()
			asked, err := discovery.NewDiscoveryClientForConfig(&rest.Config{Host: web.URL})
			g.Expect(err).NotTo(HaveOccurred())
			var lines []string
			Check(t.Context(), asked.RESTClient(), funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{}))
			if c.want == nil {
				g.Expect(lines).To(BeEmpty())
				return
			}
			g.Expect(lines).To(HaveLen(1))
			for _, want := range c.want {
				g.Expect(lines[0]).To(ContainSubstring(want))
			}
		})
	}
}
