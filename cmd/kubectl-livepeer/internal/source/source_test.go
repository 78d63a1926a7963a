// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func named(name string) v1alpha1.LivepeerTaskSource {
	return v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct{ name, there, want, fails string }{
		{"", "main", "main", ""},
		{"main", "main", "main", ""},
		{"other", "main other", "other", ""},
		{"", "", "", "no source in the namespace media"},
		{"main", "", "", "no source in the namespace media"},
		{"nope", "main other", "", `no source "nope" in the namespace media; there are: main, other`},
		{"", "other main", "", "has 2 sources; name one of them: main, other"},
	} {
		var there []v1alpha1.LivepeerTaskSource
		for name := range strings.FieldsSeq(c.there) {
			there = append(there, named(name))
		}
		got, err := Choose(c.name, "media", there)
		if c.fails == "" && (err != nil || got.Name != c.want) || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%q of %q: %v, %v", c.name, c.there, got, err)
		}
	}
}

func TestToken(t *testing.T) {
	for _, c := range []struct{ reason, message, want, fails string }{
		{"PruningPaused", "67 of 87 ...: kubectl annotate --overwrite livepeertasksource -n video main studio.livepeer.org/confirm-prune=f1514baf9b1e", "f1514baf9b1e", ""},
		{"PruningPaused", "no token", "", "names no token"},
		{"Synced", "studio.livepeer.org/confirm-prune=f1514baf9b1e", "", "no deletion to confirm"},
		{"", "", "", "no deletion to confirm"},
	} {
		s := named("main")
		if c.reason != "" {
			s.Status.Conditions = []metav1.Condition{{Type: "Ready", Reason: c.reason, Message: c.message}}
		}
		got, err := Token(&s)
		if got != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s %q: %q, %v", c.reason, c.message, got, err)
		}
	}
}

func TestSynced(t *testing.T) {
	s := named("main")
	s.Status.LastHandledReconcileAt = "1"
	if done, err := Synced(&s, "", "2"); done || err != nil {
		t.Error(done, err)
	}
	if done, err := Synced(&s, "", "1"); !done || err != nil {
		t.Error(done, err)
	}
	s.Spec.Suspend = true
	if done, err := Synced(&s, "", "2"); done || err == nil {
		t.Error(done, err)
	}
}

// Of two who ask at the same time, the operator may see the later request alone.
func TestALaterRequestTakesThePlace(t *testing.T) {
	for _, c := range []struct {
		asked, handled string
		done           bool
	}{
		{"1", "1", false}, // as it was before: the cache of the API server may still show it
		{"2", "1", false},
		{"2", "2", true},
		{"3", "1", false},
		{"3", "2", true},
		{"3", "3", true},
		{"", "1", false},
		{"", "", false},
	} {
		s := named("main")
		s.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: c.asked}
		s.Status.LastHandledReconcileAt = c.handled
		if done, err := Synced(&s, "1", "2"); done != c.done || err != nil {
			t.Errorf("%+v: %t, %v", c, done, err)
		}
	}
}
