// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// TestASourceThatMovesAllTheTime: to and fro between two shards and nobody, sooner than either has taken it in, while tasks come, change and go, and
// somebody asks for full syncs. Nothing is deleted that Studio has, or made twice, and in the end all is as in Studio.
func TestASourceThatMovesAllTheTime(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	s.studio.Populate(100, 1)
	s.start("a")
	s.start("b")
	s.sharded("main", "a")
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
	s.eventuallyEqual()
	deleted := s.watchDeletions()
	stop := s.churn()
	random := rand.New(rand.NewPCG(3, 4))
	gone := map[string]bool{}
	for n := range 50 {
		s.move("main", []string{"a", "b", "nobody"}[random.IntN(3)])
		if n%4 == 0 {
			id := s.studio.IDs()[random.IntN(100)]
			s.studio.Delete(id)
			gone[id] = true
		}
		if n%3 == 0 {
			s.annotate("main", v1alpha1.AnnotationRequestedAt, time.Now().String())
		}
		timer := time.NewTimer(time.Duration(random.IntN(400)) * time.Millisecond) // in the middle of whatever
		<-timer.C
	}
	stop()
	s.move("main", "b")
	s.asked("b") // until now
	s.served("b", "a")
	s.resync("main", "at the end")
	s.eventuallyEqual()
	s.Expect(s.uids()).To(HaveLen(len(s.states())))
	for _, name := range deleted() {
		s.Expect(gone).To(HaveKey(name))
	}
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
}
