// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestConditionsAreSteady: saying the same again changes nothing, no time either.
func TestConditionsAreSteady(t *testing.T) {
	for name, c := range outcomes {
		source := kubetest.ASource()
		setConditions(source, c.outcome)
		before := source.DeepCopy()
		setConditions(source, c.outcome)
		if !equality.Semantic.DeepEqual(before.Status, source.Status) {
			t.Errorf("%s: %+v became %+v", name, before.Status.Conditions, source.Status.Conditions)
		}
	}
}

// TestDeletedWhileWriting: what somebody deletes before the answer to our write is in stays deleted, and is told.
func TestDeletedWhileWriting(t *testing.T) {
	x := newTaskIndex()
	x.see(stored(aTask("a", "main", 10)))
	var got []taskRef
	x.notifyExternalChanges(func(request taskRef) { got = append(got, request) })
	x.begin(keyOf("a"))
	x.observe(stored(aTask("a", "main", 11, inPhase("failed"))), true)
	forget(x, aTask("a", "main", 12, inPhase("failed")))                  // somebody deletes what was just written
	x.done(keyOf("a"), stored(aTask("a", "main", 11, inPhase("failed")))) // the answer to the write comes late
	_, ok := x.lookup("media")("a")
	if ok || len(got) != 1 {
		t.Errorf("is known: %v, told: %v", ok, got)
	}
}

// TestOlderEventOfEarlierObject: a late event does not bring an earlier object of the same name back.
func TestOlderEventOfEarlierObject(t *testing.T) {
	x := newTaskIndex()
	x.see(stored(aTask("a", "main", 10)))
	x.begin(keyOf("a"))
	x.done(keyOf("a"), stored(aTask("a", "main", 20, reborn)))
	x.observe(stored(aTask("a", "main", 11, inPhase("failed"))), true)
	if e, _ := x.lookup("media")("a"); e.ResourceVersion != "20" {
		t.Errorf("%+v", e)
	}
}

// TestOwnerInAnotherNamespace: an object elsewhere can't pass itself off as a source's task.
func TestOwnerInAnotherNamespace(t *testing.T) {
	x := newTaskIndex()
	x.see(stored(aTask("a", "main", 10)))
	x.see(stored(aTask("a", "main", 11, func(t *v1alpha1.LivepeerTask) { t.Namespace = "elsewhere" })))
	forget(x, aTask("a", "main", 12, func(t *v1alpha1.LivepeerTask) { t.Namespace = "elsewhere" }))
	if n := x.counts(sourceID{Namespace: "media", UID: "uid-of-main"}).Total; n != 1 {
		t.Errorf("%d tasks", n)
	}
}
