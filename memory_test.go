// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// The garbage collector's limit follows the container's, unless somebody set one.
func TestMemoryLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want int64
	}{
		"as shipped":         {map[string]string{"MEMORY_LIMIT": "536870912"}, 483_183_819},
		"more":               {map[string]string{"MEMORY_LIMIT": "2000000000"}, 1_800_000_000},
		"set by somebody":    {map[string]string{"MEMORY_LIMIT": "536870912", "GOMEMLIMIT": "100MiB"}, 0},
		"not known":          {nil, 0},
		"no number of bytes": {map[string]string{"MEMORY_LIMIT": "512Mi"}, 0},
	} {
		if got := memoryLimit(func(key string) string { return tc.env[key] }); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

// The cache keeps what is needed of a source: its owner may put a megabyte into its labels.
func TestTheCacheKeepsWhatIsNeeded(t *testing.T) {
	for _, selector := range []string{"", "shard=a"} {
		watched, err := watchedBy(&options{watchSelector: selector})
		if err != nil {
			t.Fatal(err)
		}
		source := kubetest.ASource()
		source.Labels = map[string]string{"a": "b"}
		options := watched.cache()
		for _, of := range options.ByObject {
			if of.Transform != nil {
				t.Error("the sources are kept in another way")
			}
		}
		if _, err := options.DefaultTransform(source); err != nil || len(source.Labels) > 0 {
			t.Errorf("%q: %v, %v", selector, err, source.Labels)
		}
	}
}

// What is stored may take long to be read, and is waited for.
func TestTheManagerWaitsForWhatIsStored(t *testing.T) {
	opts := &options{}
	all, err := watchedBy(opts)
	if err != nil {
		t.Fatal(err)
	}
	mgr, _, err := newManager(opts, &rest.Config{Host: "http://127.0.0.1:1"}, all)
	if err != nil {
		t.Fatal(err)
	}
	if is := mgr.GetControllerOptions().CacheSyncTimeout; is < 30*time.Minute {
		t.Errorf("for %s", is)
	}
}
