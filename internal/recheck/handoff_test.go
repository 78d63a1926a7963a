// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
)

// stateAt is the state of a source that is next worked on then.
func stateAt(next time.Time) *syncstate.State {
	return &syncstate.State{Schedule: syncstate.Schedule{NextPoll: next, NextFull: next}}
}

// closedTo reports what a push at this time comes to: whether it is left to a poll, and whether that needs a step.
func closedTo(s *Handoff, now time.Time) []bool {
	open, wake := s.open(now)
	return []bool{!open, wake}
}

func TestAWantedPollBeginsAtOnceAndCoversWhatCameBefore(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	s := &Handoff{}
	p := stateAt(now.Add(time.Hour))
	g.Expect(closedTo(s, now)).To(Equal([]bool{false, false}))
	g.Expect(s.wantPoll()).To(BeTrue())
	g.Expect(s.wantPoll()).To(BeFalse(), "it has its step already")
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}), "the poll to come covers it")
	s.Settle(&p.Schedule, false, now)
	g.Expect(p.Schedule.NextPoll).To(Equal(now))
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, true}), "the poll may be past it: another one")
	p.Schedule.NextPoll = now.Add(time.Hour) // as after the poll
	s.Publish(p, false, now)
	g.Expect(p.Schedule.NextPoll).To(Equal(now.Add(pollSoonEvery)), "and not sooner than that")
	s.Settle(&p.Schedule, false, now)
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}))
	now = now.Add(pollSoonEvery)
	s.Settle(&p.Schedule, false, now)
	p.Schedule.NextPoll = now.Add(time.Hour)
	s.Publish(p, false, now)
	g.Expect(closedTo(s, now)).To(Equal([]bool{false, false}))
	g.Expect(p.Schedule.NextPoll).To(Equal(now.Add(time.Hour)))
}

func TestAPollUnderWayIsNotTheWantedOne(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	s := &Handoff{}
	p := stateAt(now.Add(time.Hour))
	s.wantPoll()
	s.Settle(&p.Schedule, true, now)
	s.Publish(p, true, now)
	g.Expect(s.wanted.poll).To(BeTrue())
	s.Publish(p, false, now)
	g.Expect(p.Schedule.NextPoll).To(Equal(now))
}

func TestWhatStudioToldAPushHoldsForPolls(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	s := &Handoff{}
	p := &syncstate.State{}
	s.pause(now.Add(time.Minute))
	s.pause(now.Add(time.Second))
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}))
	s.Settle(&p.Schedule, false, now)
	g.Expect(p.Schedule.RetryAt).To(Equal(now.Add(time.Minute)))
	g.Expect(p.Schedule.Wait(now, true)).To(Equal(time.Minute))
	g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}))
	g.Expect(closedTo(s, now.Add(2*time.Minute))).To(Equal([]bool{false, false}))
}

func TestHistoryIsOverfullOnce(t *testing.T) {
	g := NewWithT(t)
	s := &Handoff{}
	s.overfills()
	g.Expect(s.TakeOverfull()).To(BeTrue())
	g.Expect(s.TakeOverfull()).To(BeFalse())
}

// Before its first step has ended, a source has not said what history has left out.
func TestNothingIsAskedForBeforeTheFirstStep(t *testing.T) {
	g := NewWithT(t)
	s, p := &Handoff{}, &syncstate.State{}
	s.wantFullSync(syncstate.WantedNow)
	s.Begin(0)
	g.Expect(s.TakeFullSync()).To(Equal(syncstate.WantedNow), "another operator has mirrored it until now")
	g.Expect(closedTo(s, time.Now())).To(Equal([]bool{true, true}))
	p.Retention.Cutoff = mirror.Stamp{UpdatedAt: 7}
	s.Publish(p, false, time.Now())
	g.Expect(s.retained()).To(Equal(p.Retention))
}

// TestWhoseATaskIs: by its project, those of what is listed, and the connection that these were listed with.
func TestWhoseATaskIs(t *testing.T) {
	g := NewWithT(t)
	set := func(projects ...string) map[string]struct{} {
		listed := map[string]struct{}{}
		for _, project := range projects {
			listed[project] = struct{}{}
		}
		return listed
	}
	for name, c := range map[string]struct {
		listed              map[string]struct{}
		of                  string
		elsewhere, unlisted bool
	}{
		"of a listed project":                  {set("a"), "a", false, false},
		"of another":                           {set("a"), "b", true, true},
		"of another, where some say none":      {set("a", ""), "b", true, true},
		"of one, where all say none":           {set(""), "b", false, true},
		"of one, where nothing is listed":      {set(), "b", false, true},
		"of one, where too many are to tell":   {nil, "b", false, true},
		"says none, as some":                   {set("a", ""), "", false, false},
		"says none, as all":                    {set(""), "", false, false},
		"says none, and all others say theirs": {set("a"), "", false, true},
		"says none, where nothing is listed":   {set(), "", false, true},
	} {
		h := &Handoff{}
		h.Listed("now", c.listed)
		g.Expect([]bool{h.elsewhere("now", c.of), h.unlisted("now", c.of)}).To(Equal([]bool{c.elsewhere, c.unlisted}), name)
		g.Expect([]bool{h.elsewhere("then", c.of), h.unlisted("then", c.of)}).To(Equal([]bool{false, true}), "%s, with another key", name)
	}
}

// TestAPushInAPauseIsCovered: where a step fails, as for the Kubernetes API server, and the poll that is under way may be past what is pushed in
// the pause, or the next one is far away, another poll follows the pause.
func TestAPushInAPauseIsCovered(t *testing.T) {
	g := NewWithT(t)
	for name, c := range map[string]struct {
		next    time.Duration // poll
		polling bool
		wanted  bool
	}{
		"a poll follows": {time.Second, false, false}, "a poll is under way": {time.Second, true, true}, "none for long": {time.Hour, false, true},
	} {
		now := time.Now()
		s, p := &Handoff{}, stateAt(now.Add(c.next))
		p.Schedule.RetryAt = now.Add(2 * time.Second)
		s.Publish(p, c.polling, now)
		g.Expect(closedTo(s, now)).To(Equal([]bool{true, false}), name)
		g.Expect(s.Waiting()).To(Equal(c.wanted), name)
		now = p.Schedule.RetryAt
		s.Settle(&p.Schedule, c.polling, now)
		p.Schedule.NextPoll = now.Add(time.Hour) // as after the poll
		s.Publish(p, false, now)
		g.Expect(p.Schedule.NextPoll.Equal(now)).To(Equal(c.polling), name) // otherwise the poll was it
	}
}
