// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// record is a log that is kept.
type record struct {
	mu sync.Mutex
	b  strings.Builder
}

func (r *record) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.b.WriteString(line + "\n")
}

func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

var anyCanary = regexp.MustCompile(`(?i)cnry[0-9kw][0-9eh][0-9yk]\d`)

// search expects no part of a canary in text, in upper or lower case or in base64, besides those that may be there.
func search(t *testing.T, where, text string, allowed ...string) {
	t.Helper()
	found := map[string]string{}
	for _, m := range anyCanary.FindAllStringIndex(text, -1) {
		found[strings.ToLower(text[m[0]:m[1]])] = text[max(0, m[0]-200):min(len(text), m[1]+40)]
	}
	for _, hidden := range []string{"user:" + canary(0)[:4], "Bearer " + canaryKey[:8], canaryKey[:12], canaryWebhook[:12]} {
		encoded := base64.StdEncoding.EncodeToString([]byte(hidden))
		if i := strings.Index(text, encoded[:len(encoded)-4]); i >= 0 {
			found[encoded] = text[max(0, i-200):min(len(text), i+60)]
		}
	}
	for name, around := range found {
		if !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, name) }) {
			t.Errorf("%s is in %s: %q", name, where, around)
		}
	}
}

// objects returns every object of every kind in the cluster as JSON, managed fields and Events included, but for the
// Secrets that the canaries come from.
func (w *world) objects() map[string]string {
	w.t.Helper()
	resources, err := discovery.NewDiscoveryClientForConfigOrDie(cluster.Config()).ServerPreferredResources()
	w.Expect(err).NotTo(HaveOccurred())
	found := map[string]string{}
	for _, list := range resources {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		w.Expect(err).NotTo(HaveOccurred())
		for i := range list.APIResources {
			if !slices.Contains(list.APIResources[i].Verbs, "list") {
				continue
			}
			objects := &unstructured.UnstructuredList{}
			objects.SetGroupVersionKind(version.WithKind(list.APIResources[i].Kind + "List"))
			w.Expect(w.client.List(w.ctx, objects)).To(Succeed())
			for j := range objects.Items {
				object := &objects.Items[j]
				if _, planted := object.GetAnnotations()[canarySecret]; planted && object.GetKind() == "Secret" {
					continue
				}
				raw, err := json.Marshal(object)
				w.Expect(err).NotTo(HaveOccurred())
				found[fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())] = string(raw)
			}
		}
	}
	return found
}

// metrics returns all metrics of this process.
func (w *world) metrics() string {
	w.t.Helper()
	families, err := metrics.Registry.Gather()
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(families).NotTo(BeEmpty())
	return fmt.Sprint(families)
}

// etcdLog returns all that etcd was ever told to write, also what was overwritten or deleted since, byte for byte.
func (w *world) etcdLog() string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(os.TempDir(), "k8s_test_framework_*", "member", "wal", "*.wal"))
	w.Expect(err).NotTo(HaveOccurred())
	var all bytes.Buffer
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // of a control plane of another package's tests
		}
		w.Expect(err).NotTo(HaveOccurred())
		raw = bytes.TrimRight(raw, "\x00")
		if bytes.Contains(raw, []byte(w.namespace)) {
			all.Write(raw)
		}
	}
	w.Expect(all.String()).To(ContainSubstring(`"kind":"LivepeerTask"`), "no log of etcd holds the tasks")
	w.Expect(all.String()).To(ContainSubstring(canaryKey), "no log of etcd holds the Secret")
	return all.String()
}
