// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// purge lets tasks be gone from Studio, as from another server, or after the database was put back to an earlier state.
func (a *account) purge(from, to int) {
	for i := from; i < to; i++ {
		a.studio.Purge(uuid(i))
	}
}

// respec is a change of the spec, such as that of the URL.
func (a *account) respec() {
	a.api.Mu.Lock()
	defer a.api.Mu.Unlock()
	next := a.api.Source.DeepCopy()
	next.Generation++
	a.api.Source = next
}

// TestAPausedDeletionWaitsForItsConfirmation: however many other tasks have come since, whatever full sync it is, and also after a restart.
func TestAPausedDeletionWaitsForItsConfirmation(t *testing.T) {
	for name, meanwhile := range map[string]func(*account){
		"another full sync":    func(*account) {},
		"a restart":            func(a *account) { a.start() },
		"a change of the spec": (*account).respec,
		"a restart, and a change of the spec": func(a *account) {
			a.start()
			a.respec()
		},
	} {
		for _, elsewhere := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				const old, all = 30, 150
				a := quietAccount(t, old)
				a.sync("at first")
				a.purge(0, old)
				come := func() {
					for i := old; i < all; i++ {
						a.put(i)
					}
				}
				if elsewhere { // the other tasks come with the URL of another account
					a.respec()
					come()
				}
				a.sync("gone")
				if !elsewhere { // they are made later on
					come()
				}
				for _, request := range []string{"once more", "and again"} {
					meanwhile(a)
					a.sync(request)
					reason, message := a.ready()
					if len(a.api.Tasks) != all || reason != v1alpha1.ReasonPruningPaused {
						t.Fatalf("%s: %d tasks, want %d; %s: %s", request, len(a.api.Tasks), all, reason, message)
					}
				}
				for i := range old {
					a.deleted.Store(uuid(i), true)
				}
				_, message := a.ready()
				a.api.Annotate(v1alpha1.AnnotationConfirmPrune, message[strings.LastIndex(message, "=")+1:])
				a.watch(2)
				if reason, message := a.ready(); len(a.api.Tasks) != all-old || reason != v1alpha1.ReasonSynced {
					t.Errorf("%d tasks, want %d; %s: %s", len(a.api.Tasks), all-old, reason, message)
				}
			})
		}
	}
}

// TestAPauseEndsWithItsCause: without a confirmation, where Studio has the tasks again.
func TestAPauseEndsWithItsCause(t *testing.T) {
	a := quietAccount(t, 30)
	a.sync("at first")
	a.purge(0, 30)
	a.sync("gone")
	for i := range 30 {
		a.put(i)
	}
	a.start()
	a.sync("there again")
	if reason, message := a.ready(); len(a.api.Tasks) != 30 || reason != v1alpha1.ReasonSynced {
		t.Fatalf("%d tasks; %s: %s", len(a.api.Tasks), reason, message)
	}
	for i := range 5 {
		a.deleted.Store(uuid(i), true)
		a.studio.Purge(uuid(i))
	}
	a.sync("a few gone")
	if reason, message := a.ready(); len(a.api.Tasks) != 25 || reason != v1alpha1.ReasonSynced {
		t.Errorf("%d tasks; %s: %s", len(a.api.Tasks), reason, message)
	}
}
