// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

func idOf(source string) SourceID {
	return SourceID{Namespace: "media", UID: types.UID("uid-of-" + source)}
}

// TestWaitingTasksOfSomeSources: what another shard has to send is not this one's.
func TestWaitingTasksOfSomeSources(t *testing.T) {
	waits := func(task *v1alpha1.LivepeerTask) {
		task.Status.Notifications = []v1alpha1.Transition{{Phase: "running"}}
	}
	x := NewIndex()
	x.SeeStored(stored(kubetest.ATask("a", "main", 10, waits)))
	x.SeeStored(stored(kubetest.ATask("b", "main", 11)))
	x.SeeStored(stored(kubetest.ATask("c", "other", 12, waits)))
	x.SeeStored(stored(kubetest.ATask("d", "other", 13, waits)))
	for want, sources := range map[int][]SourceID{0: {idOf("unknown")}, 1: {idOf("main")}, 2: {idOf("other")}, 3: {idOf("main"), idOf("other")}} {
		if got := x.WaitingTasksOf(slices.Values(sources)); got != want {
			t.Errorf("%v: %d", sources, got)
		}
	}
	if got := x.WaitingTasks(); got != 3 {
		t.Errorf("all: %d", got)
	}
	var told []string
	x.NotifyWaiting(func(source types.NamespacedName) { told = append(told, source.String()) })
	x.Observe(kubetest.ATask("c", "other", 14)) // was sent
	forget(x, kubetest.ATask("a", "main", 15))
	x.Observe(kubetest.ATask("b", "main", 16, waits))
	if got := x.WaitingTasks(); got != 2 || !slices.Equal(x.WaitingOf(idOf("other")), []string{"d"}) || !slices.Equal(told, []string{"media/main"}) {
		t.Errorf("%d wait, told of %v", got, told)
	}
	forget(x, kubetest.ATask("b", "main", 17))
	if _, kept := x.waiting[idOf("main")]; kept || len(x.sources) != 1 {
		t.Errorf("sources without tasks are remembered: %d", len(x.sources))
	}
}

// TestAnEchoBeforeItsAnswer: where whole tasks are watched, what an own write has stored may be seen before the write is answered. It is
// known as what it mirrors all the same, and no change by others.
func TestAnEchoBeforeItsAnswer(t *testing.T) {
	x := NewIndex()
	x.SeeStored(stored(kubetest.ATask("a", "main", 10)))
	x.NotifyExternalChanges(func(task TaskRef) { t.Errorf("%v counts as changed by others", task) })
	x.begin(keyOf("a"))
	written := kubetest.ATask("a", "main", 11, kubetest.InPhase("failed"))
	x.Observe(written)
	answered := stored(written)
	answered.fingerprint = 5
	x.done(keyOf("a"), answered)
	if !x.Mirrors(idOf("main"), "a", "a", 5, 0) {
		t.Error("it is not known again")
	}
}
