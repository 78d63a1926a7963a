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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

var anyCanary = regexp.MustCompile(`(?i)^cnry[0-9kw][0-9eh][0-9yk]\d`)

const canaryLength = 8 // of what anyCanary finds

// canaries finds them in upper or lower case, as an expression alone would, in a fraction of its time: text has gigabytes.
func canaries(text string) (places []int) {
	for spelling := range 1 << 4 {
		start := []byte("cnry")
		for i := range start {
			if spelling&(1<<i) != 0 {
				start[i] -= 'a' - 'A'
			}
		}
		for from := 0; ; {
			i := strings.Index(text[from:], string(start))
			if i < 0 {
				break
			}
			if from += i; anyCanary.MatchString(text[from:min(from+canaryLength, len(text))]) {
				places = append(places, from)
			}
			from++
		}
	}
	return places
}

// search expects no part of a canary in text, in upper or lower case or in base64, besides those that may be there.
func search(t *testing.T, where, text string, allowed ...string) {
	t.Helper()
	found := map[string]string{}
	for _, at := range canaries(text) {
		found[strings.ToLower(text[at:at+canaryLength])] = text[max(0, at-200):min(len(text), at+50)]
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
	server := discovery.NewDiscoveryClientForConfigOrDie(cluster.Config())
	resources, err := server.ServerPreferredResources()
	w.Expect(err).NotTo(HaveOccurred())
	found := map[string]string{}
	for _, list := range resources {
		path := "/apis/" + list.GroupVersion
		if list.GroupVersion == "v1" {
			path = "/api/v1"
		}
		for i := range list.APIResources {
			resource := &list.APIResources[i]
			// In pages: the tasks of all tests are more than a busy API server can show in the minute that it has for an answer.
			for next, more := "", slices.Contains(resource.Verbs, "list"); more; more = next != "" {
				raw, err := server.RESTClient().Get().AbsPath(path, resource.Name).Param("limit", "200").Param("continue", next).DoRaw(w.ctx)
				w.Expect(err).NotTo(HaveOccurred())
				next = w.eachObject(resource.Kind, raw, found)
			}
		}
	}
	return found
}

// eachObject adds the objects of a page of a list, and returns where the next one begins.
func (w *world) eachObject(kind string, raw []byte, found map[string]string) (next string) {
	w.t.Helper()
	var list struct {
		Metadata metav1.ListMeta   `json:"metadata"`
		Items    []json.RawMessage `json:"items"`
	}
	w.Expect(json.Unmarshal(raw, &list)).To(Succeed())
	for _, item := range list.Items {
		var object metav1.PartialObjectMetadata
		w.Expect(json.Unmarshal(item, &object)).To(Succeed())
		if _, planted := object.Annotations[canarySecret]; !planted || kind != "Secret" {
			found[fmt.Sprintf("%s %s/%s", kind, object.Namespace, object.Name)] = string(item)
		}
	}
	return list.Metadata.Continue
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
