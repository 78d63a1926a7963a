// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/backlog"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestWhatIsUnderWayIsDue: nothing that was begun waits for the next poll.
func TestWhatIsUnderWayIsDue(t *testing.T) {
	now := time.Now()
	for name, s := range map[string]*State{
		"nothing":            {},
		"something to write": {pending: []*mirror.Observation{{}}},
		"a poll":             {poll: &pollPass{}},
		"a full sync":        {full: &fullSync{}},
	} {
		want := time.Duration(0)
		if name == "nothing" {
			want = time.Minute
		}
		s.Schedule = syncstate.Schedule{NextPoll: now.Add(time.Minute), NextFull: now.Add(time.Hour)}
		if got := s.Wait(now); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestRenewForgetsWhatTheOldAccountShowed: what was read with another key is not written any more; with the same, it goes on.
func TestRenewForgetsWhatTheOldAccountShowed(t *testing.T) {
	for fingerprint, kept := range map[string]bool{"old": true, "new": false} {
		s := &State{full: &fullSync{}, poll: &pollPass{}, pending: []*mirror.Observation{{ID: "of the old account"}}}
		s.Inputs = syncstate.Inputs{Generation: 1, Fingerprint: "old"}
		found := syncstate.Observed{Fingerprint: fingerprint, Listing: true}
		s.Update(kubetest.ASource(), found, func() syncstate.Wanted { return syncstate.NotWanted }, time.Now())
		if (s.full != nil) != kept || (s.poll != nil) != kept || (len(s.pending) > 0) != kept {
			t.Errorf("%s account: %+v", fingerprint, s)
		}
	}
}

// TestAFullSyncThatFailedYields what it holds, where others wait for room, and no poll is under way. Whatever a source has is given back once
// it is gone.
func TestAFullSyncThatFailedYields(t *testing.T) {
	for name, c := range map[string]struct {
		slots  int
		change func(*State)
		yields bool
	}{
		"others wait":    {1, func(*State) {}, true},
		"there is room":  {2, func(*State) {}, false},
		"a poll goes on": {1, func(s *State) { s.poll = &pollPass{Pass: &studio.Pass{}} }, false},
		"it has nothing": {1, func(s *State) { s.pending = nil }, false},
	} {
		g := NewWithT(t)
		key, room, memory := types.NamespacedName{Name: name}, fair.NewGate(c.slots, c.slots), fair.NewGate(1, 1)
		s := &State{full: &fullSync{pass: &studio.Pass{}}, pending: []*mirror.Observation{{Size: 7}}}
		s.room, s.memory = backlog.NewShare(room, key), backlog.NewShare(memory, key)
		g.Expect([]bool{s.room.Fit(7), s.memory.More()}).To(Equal([]bool{true, true}))
		c.change(s)
		s.Yield()
		g.Expect([]bool{s.full == nil, s.pending == nil}).To(Equal([]bool{c.yields, c.yields || name == "it has nothing"}), name)
		for range 2 {
			release, free := room.TryAcquire(key)
			forget, remembers := memory.TryAcquire(key)
			g.Expect([]bool{free, remembers}).To(Equal([]bool{c.yields || c.slots > 1, c.yields}), name)
			if s.Close(); free {
				release()
			}
			if remembers {
				forget()
			}
			c.yields = true
		}
	}
}

// TestWhatIsRememberedOfWrites: why a task was refused, without the key that the API server repeats; and no longer once it is written.
func TestWhatIsRememberedOfWrites(t *testing.T) {
	g := NewWithT(t)
	s := &syncer{Job: &Job{State: &State{}, Connection: &recheck.Connection{Redactor: redact.New("0123456789abcdef")}}}
	refused := &taskstore.Written{Refused: map[string]error{"a": errors.New("no 0123456789abcdef")}}
	actions := []plan.Action{{Observation: &mirror.Observation{ID: "a"}}}
	s.recordWritten(actions, refused)
	g.Expect(s.State.Health.Rejected).To(HaveKeyWithValue("a", And(HavePrefix("no "), Not(ContainSubstring("0123")))))
	s.recordWritten(actions, &taskstore.Written{})
	g.Expect(s.State.Health.Rejected).To(BeEmpty())
}

// TestCutLeavesNothingBehind: what is taken out of a list that lives on can be freed.
func TestCutLeavesNothingBehind(t *testing.T) {
	g := NewWithT(t)
	a, b, c := new(int), new(int), new(int)
	all := []*int{a, b, c}
	whole := all
	g.Expect(cut(&all, 2)).To(HaveExactElements(BeIdenticalTo(a), BeIdenticalTo(b)))
	g.Expect(whole).To(HaveExactElements(BeIdenticalTo(c), BeNil(), BeNil()))
	g.Expect(cut(&all, 2)).To(HaveExactElements(BeIdenticalTo(c)))
	g.Expect(all).To(BeNil())
	g.Expect(whole).To(HaveEach(BeNil()))
}
