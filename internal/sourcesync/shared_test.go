// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// closedTo reports what a push at this time comes to: whether it is left to a poll, and whether that needs a step.
func closedTo(s *shared, now time.Time) []bool {
	open, wake := s.open(now)
	return []bool{!open, wake}
}

func TestAWantedPollBeginsAtOnceAndCoversWhatCameBefore(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	s := &shared{}
	p := &state{nextPoll: now.Add(time.Hour), nextFull: now.Add(time.Hour)}
	g.Expect(closedTo(s, now)).To(Equal([]bool{false, false}))
	g.Expect(s.want()).To(BeTrue())
	g.Expect(s.want()).To(BeFalse(), "it has its turn already")
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}), "the poll to come covers it")
	s.settle(p, now)
	g.Expect(p.nextPoll).To(Equal(now))
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, true}), "the poll may be past it: another one")
	p.nextPoll = now.Add(time.Hour) // as after the poll
	s.publish(p, now)
	g.Expect(p.nextPoll).To(Equal(now.Add(pollSoonEvery)), "and not sooner than that")
	s.settle(p, now)
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}))
	now = now.Add(pollSoonEvery)
	s.settle(p, now)
	p.nextPoll = now.Add(time.Hour)
	s.publish(p, now)
	g.Expect(closedTo(s, now)).To(Equal([]bool{false, false}))
	g.Expect(p.nextPoll).To(Equal(now.Add(time.Hour)))
}

func TestAPollUnderWayIsNotTheWantedOne(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	s := &shared{}
	p := &state{poll: &pollPass{}, nextPoll: now.Add(time.Hour)}
	s.want()
	s.settle(p, now)
	s.publish(p, now)
	g.Expect(s.wanted).To(BeTrue())
	p.poll = nil
	s.publish(p, now)
	g.Expect(p.nextPoll).To(Equal(now))
}

func TestWhatStudioToldAPushHoldsForPolls(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	s := &shared{}
	p := &state{}
	s.tell(now.Add(time.Minute))
	s.tell(now.Add(time.Second))
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}))
	s.settle(p, now)
	g.Expect(p.retryAt).To(Equal(now.Add(time.Minute)))
	g.Expect(p.retryFixed).To(BeTrue())
	g.Expect(p.wait(now)).To(Equal(time.Minute))
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}))
	g.Expect(closedTo(s, now.Add(2*time.Minute))).To(Equal([]bool{false, false}))
}

// What pushes create while a full sync runs is not missing, though the listing did not show it.
func TestPushedTasksAreNotMissing(t *testing.T) {
	g := NewWithT(t)
	s := &shared{}
	p := &state{full: &fullSync{}}
	s.wrote("new", false)
	s.settle(p, time.Now())
	g.Expect(s.hasCreated("new")).To(BeTrue())
	p.full = nil
	s.settle(p, time.Now())
	g.Expect(s.hasCreated("new")).To(BeFalse())

	s.wrote("", true)
	g.Expect(s.tooFull()).To(BeTrue())
	g.Expect(s.tooFull()).To(BeFalse())
}

// Before its first step has ended, a source has not said what history has left out.
func TestNothingIsAskedForBeforeTheFirstStep(t *testing.T) {
	g := NewWithT(t)
	s, p := &shared{}, &state{}
	s.begin()
	g.Expect(closedTo(s, time.Now())).To(Equal([]bool{true, true}))
	p.floor = mirror.Stamp{UpdatedAt: 7}
	s.publish(p, time.Now())
	g.Expect(s.floorNow()).To(Equal(p.floor))
}
