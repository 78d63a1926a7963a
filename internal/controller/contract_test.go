// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const testdata = "../studio/livepeertest/testdata"

// static replaces the world's Studio by a server that answers every request the same.
func (w *world) static(status int, contentType string, body []byte) {
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", contentType)
		out.WriteHeader(status)
		_, _ = out.Write(body)
	}))
	w.t.Cleanup(w.server.Close)
}

// mirrored returns a task as kubectl would show it.
func (w *world) mirrored(name string) map[string]any {
	w.t.Helper()
	task := &unstructured.Unstructured{}
	task.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("LivepeerTask"))
	w.Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, task)).To(Succeed())
	return task.Object
}

// TestReferenceExampleIsMirroredWhole: a server that answers the example of the API's reference page to everything. All
// its leaves are on the object, save credentials.
func TestReferenceExampleIsMirroredWhole(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	body, err := os.ReadFile(filepath.Join(testdata, "reference.json"))
	w.Expect(err).NotTo(HaveOccurred())
	w.static(http.StatusOK, "application/json", body)
	w.secret("any")
	w.source("main")
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)

	var example []map[string]any
	w.Expect(json.Unmarshal(body, &example)).To(Succeed())
	mirrored := w.mirrored("09f8b46c-61a0-4254-9875-f71f4c605bc7")
	spec, status := object(mirrored["spec"]), object(mirrored["status"])
	want := object(example[0]["status"])
	maps.Copy(want, map[string]any{
		"progress": 50, "createdAt": "2020-04-23T18:39:34.725000Z", "scheduledAt": "2020-04-23T18:39:34.725000Z",
		"updatedAt": "2020-04-23T18:39:34.725000Z",
	})
	w.compare("status", want, status, nil)
	for _, field := range []string{"id", "inputAssetId", "outputAssetId", "projectId", "requesterId"} {
		w.Expect(spec).To(HaveKeyWithValue(field, "09F8B46C-61A0-4254-9875-F71F4C605BC7"))
	}
	w.Expect(spec).NotTo(HaveKey("omittedFields"))
	w.Expect(status).NotTo(HaveKey("omittedFields"))

	params := object(example[0]["params"])
	params["transcodeFile"] = params["transcode-file"]
	delete(params, "transcode-file")
	masked := append(texts(spec["redactedFields"]), texts(status["redactedFields"])...)
	w.compare("params", params, spec["params"], masked)
	w.compare("output", example[0]["output"], status["output"], masked)
	w.Expect(masked).To(ConsistOf("params.export.custom.url", "params.transcodeFile.storage.url"))
}

// compare checks that everything in want is in got, save what is masked there.
func (w *world) compare(path string, want, got any, masked []string) {
	w.t.Helper()
	if slices.Contains(masked, path) {
		w.Expect(got).NotTo(Equal(want), path)
		return
	}
	switch want := want.(type) {
	case map[string]any:
		w.Expect(object(got)).NotTo(BeNil(), path)
		for key, value := range want {
			w.compare(path+"."+key, value, object(got)[key], masked)
		}
	case []any:
		list, _ := got.([]any)
		w.Expect(list).To(HaveLen(len(want)), path)
		for i := range want {
			w.compare(path, want[i], list[i], masked)
		}
	default:
		w.Expect(got).To(BeEquivalentTo(want), path)
	}
}

func object(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return fields
}

func texts(value any) []string {
	var out []string
	items, _ := value.([]any)
	for _, item := range items {
		out = append(out, fmt.Sprint(item))
	}
	return out
}

// recording splits a recorded answer of the real server software.
func (w *world) recording(name string) (status int, contentType string, body []byte) {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(testdata, "recordings", name+".http"))
	w.Expect(err).NotTo(HaveOccurred())
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	w.Expect(json.Unmarshal(bytes.Fields(head)[1], &status)).To(Succeed())
	return status, "application/json; charset=utf-8", body
}

// TestRecordedTasksAreMirrored: every task that the real server software answered.
func TestRecordedTasksAreMirrored(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	status, contentType, body := w.recording("02-list-limit1000")
	w.static(status, contentType, body)
	w.secret("any")
	w.source("main")
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	var recorded []livepeertest.Task
	w.Expect(json.Unmarshal(body, &recorded)).To(Succeed())
	w.Expect(w.tasks()).To(HaveLen(len(recorded)))
	for _, task := range recorded {
		w.Expect(w.task(fmt.Sprint(task["id"])).Spec.Type).To(Equal(task["type"]))
	}
	w.Expect(w.getSource("main").Status.Tasks.Unknown).To(BeEquivalentTo(2), "a phase yet unknown, and no status at all")
	everything, err := json.Marshal(w.tasks())
	w.Expect(err).NotTo(HaveOccurred())
	for _, secret := range []string{"sEcReT", "AK:SK", "top-secret", "hdr-key", "basicpass", "PSECRET", "eyJPINATA", "ed-secret"} {
		w.Expect(strings.Contains(string(everything), secret)).To(BeFalse(), "found %q", secret)
	}
}

// TestRecordedErrorsAreShown: each error of the real server software is shown as what it is.
func TestRecordedErrorsAreShown(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	for name, reason := range map[string]string{
		"40-no-token":    v1alpha1.ReasonUnauthorized,
		"40-wrong-token": v1alpha1.ReasonUnauthorized,
		"41-suspended":   v1alpha1.ReasonForbidden,
		"52-rules-token": v1alpha1.ReasonForbidden,
		"80-poison-list": v1alpha1.ReasonUnavailable,
		"50-id-missing":  v1alpha1.ReasonMalformed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			status, contentType, body := w.recording(name)
			w.static(status, contentType, body)
			w.secret("11111111-2222-3333-4444-555555555555")
			w.source("main")
			w.startOperator()
			w.Expect(w.eventuallyReady("main", reason).Message).NotTo(ContainSubstring("11111111-2222"))
		})
	}
}
