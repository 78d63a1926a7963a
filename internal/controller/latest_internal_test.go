// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestLatest: the cache may still show a source as it was before the operator last wrote it.
func TestLatest(t *testing.T) {
	cached := kubetest.ASource()
	for name, c := range map[string]struct {
		version    string
		generation int64
		want       bool
	}{
		"newer":           {"11", 1, true},
		"as new":          {"10", 1, false},
		"older":           {"9", 1, false},
		"many digits":     {"100", 1, true},
		"respecified":     {"11", 2, false},
		"incomprehensive": {"x", 1, false},
	} {
		written := kubetest.ASource()
		written.ResourceVersion, written.Generation, written.Status.Tasks.Total = c.version, c.generation, 5
		r := &SourceReconciler{last: map[types.NamespacedName]*reported{client.ObjectKeyFromObject(cached): {uid: cached.UID, source: written}}}
		got := r.latest(cached)
		if (got.Status.Tasks.Total == 5 && got.ResourceVersion == c.version) != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if cached.Status.Tasks.Total != 0 || cached.ResourceVersion != "10" {
		t.Error("the cached source was changed")
	}
	if got := (&SourceReconciler{}).latest(cached); got != cached {
		t.Error("nothing was written yet")
	}
}
