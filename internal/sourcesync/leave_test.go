// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// TestASourceThatComesBackWaits: a source is suspended while a question's write is under way, gets other types, and goes on. What is written
// for the old types is there before the new ones are listed. Otherwise it would stay until the next regular full sync.
func TestASourceThatComesBackWaits(t *testing.T) {
	g := NewWithT(t)
	s := newRarelyListed(t)
	id := s.studio.IDs()[0]
	task, _ := s.studio.Get(id)
	writing, answer := make(chan struct{}), make(chan struct{})
	s.api.Mu.Lock()
	s.api.Writing = func(before, after *v1alpha1.LivepeerTask) {
		if before == nil && after.Name == id {
			close(writing)
			s.api.Mu.Unlock()
			<-answer
			s.api.Mu.Lock()
		}
	}
	object := s.api.Tasks[id]
	delete(s.api.Tasks, id)
	s.api.Mu.Unlock()
	s.index.Deleted(types.NamespacedName{Namespace: object.Namespace, Name: id}, object.UID)
	s.engine.Recheck(keyOf(s.source()), id, plan.ExternalChange)
	g.Eventually(writing, soon).Should(BeClosed())

	before := s.of()
	s.engine.Forget(keyOf(s.source()))
	s.api.Mu.Lock()
	source := s.api.Source.DeepCopy()
	source.Generation += 2
	s.ahead.Add(int64(time.Minute))
	source.Spec.Types = []string{"another than " + task["type"].(string)}
	s.api.Source = source
	s.api.Mu.Unlock()
	listed := make(chan struct{}, 100)
	s.each(func() { listed <- struct{}{} })
	s.engine.Sync(s.source())
	g.Eventually(func() bool { return len(listed) > 0 || s.of().writing.Load() }, soon, time.Millisecond).Should(BeTrue())
	if len(listed) > 0 {
		t.Error("it is listed while an earlier write is under way")
		s.syncs(t)
	}
	close(answer)
	g.Eventually(before.rechecks.Idle, soon).Should(BeTrue())
	g.Eventually(func() bool {
		s.rest()
		return s.source().Status.ObservedGeneration == source.Generation
	}, soon).Should(BeTrue())
	s.rest()
	g.Expect(s.names()).To(BeEmpty())
}

// TestNothingBeginsForAForgottenSource: it was forgotten at the moment of a sync, as one that is suspended when this replica begins to lead.
func TestNothingBeginsForAForgottenSource(t *testing.T) {
	s := newSteered(t)
	s.rest()
	was := s.of()
	s.engine.Forget(keyOf(s.source()))
	lists := 0
	s.each(func() { lists++ })
	s.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	report := was.sync(s.source())
	if was.step != nil {
		<-was.step.ended
	}
	if report.Ended || lists > 0 {
		t.Errorf("it was listed %d times; %+v", lists, report)
	}
}
