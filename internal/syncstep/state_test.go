// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
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
		s.Update(kubetest.ASource(), found, func() bool { return false }, time.Now())
		if (s.full != nil) != kept || (s.poll != nil) != kept || (len(s.pending) > 0) != kept {
			t.Errorf("%s account: %+v", fingerprint, s)
		}
	}
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
