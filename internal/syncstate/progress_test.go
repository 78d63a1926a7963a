// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// TestFailuresInARow: each pause is longer than the one before, up to a bound, until a step ends well.
func TestFailuresInARow(t *testing.T) {
	g := NewWithT(t)
	s := &Schedule{}
	pauses := func(err error) (pauses []time.Duration) {
		for range 6 {
			s.Failed(err, 5*time.Second, noon)
			pauses = append(pauses, s.Wait(noon, true)/time.Second)
		}
		return pauses
	}
	g.Expect(pauses(errors.New("surprise"))).To(Equal([]time.Duration{5, 10, 20, 30, 30, 30}))
	s.Succeeded()
	g.Expect(pauses(&studio.Error{Kind: studio.Unauthorized})).To(Equal([]time.Duration{5, 10, 20, 40, 60, 60}))
	s.hurry()
	g.Expect(s.RetryAt).To(BeZero(), "nobody asked for the pause")
	g.Expect(pauses(&studio.Error{Kind: studio.RateLimited, RetryAfter: time.Minute})[0]).To(BeEquivalentTo(60))
	s.hurry()
	g.Expect(s.Wait(noon, true)).To(Equal(time.Minute), "Studio asked for it")
	s.Succeeded()
	s.hurry()
	g.Expect(s.RetryAt).To(BeZero(), "it was answered since")

	s.Failed(&studio.Error{Kind: studio.RateLimited, RetryAfter: time.Hour}, time.Second, noon)
	s.Failed(errors.New("surprise"), time.Second, noon.Add(time.Minute))
	g.Expect(s.Wait(noon, true)).To(Equal(time.Hour), "Studio asked for it, whatever else fails meanwhile")
}

// TestLeaveAlone: the longest that was asked for holds.
func TestLeaveAlone(t *testing.T) {
	g := NewWithT(t)
	s := &Schedule{}
	s.LeaveAlone(noon.Add(time.Minute))
	s.LeaveAlone(noon.Add(time.Second))
	s.hurry()
	g.Expect(s.Wait(noon, true)).To(Equal(time.Minute))
}

// TestPolled: a poll, or a listing that stands for one, is followed by another an interval later, which asks for what is newer.
func TestPolled(t *testing.T) {
	source, ended := kubetest.ASource(), noon.Add(time.Second)
	for name, take := range map[string]func(p *State){
		"poll":    func(p *State) { p.Polled(source, noon, ended, 70_000) },
		"listing": func(p *State) { p.Begin(source, noon, ended, 70_000) },
	} {
		g := NewWithT(t)
		p := &State{Coverage: Coverage{Resuming: true}}
		take(p)
		g.Expect(p.Schedule.PolledAt).To(Equal(ended), name)
		g.Expect(p.Schedule.NextPoll).To(And(BeTemporally(">", ended), BeTemporally("<=", ended.Add(source.Spec.Interval.Duration*11/10))), name)
		g.Expect(p.Watermark.From()).To(BeEquivalentTo(59_000), name)
		g.Expect(p.Coverage.Resuming).To(Equal(name == "listing"), name)
	}
}

// TestTheFirstPollsAfterARestart: what is committed late is looked for as long as ever, whatever the clock did meanwhile.
func TestTheFirstPollsAfterARestart(t *testing.T) {
	g := NewWithT(t)
	source := resumed(v1alpha1.ReasonSynced)
	newest := noon.Add(-time.Hour).UnixMilli()
	one := each(mirror.Entry{Shown: mirror.Shown{ID: "a", Phase: "running", UpdatedAt: newest}})
	p := &State{}
	p.Resume(source, one, noon)
	p.Polled(source, noon.Add(time.Second), noon.Add(time.Second), newest)
	g.Expect(p.Watermark.From()).To(Equal(newest - overlap.Milliseconds()))
	p.Polled(source, noon.Add(overlap), noon.Add(overlap), newest)
	g.Expect(p.Watermark.From()).To(Equal(newest + 1))

	source.Status.LastPollTime = &metav1.Time{Time: noon.Add(time.Hour)} // the clock was set back
	p = &State{}
	p.Resume(source, each(mirror.Entry{Shown: mirror.Shown{ID: "a", Phase: "running", UpdatedAt: noon.Add(2 * time.Hour).UnixMilli()}}), noon)
	g.Expect(p.Watermark.Newest()).To(Equal(noon.Add(-restartMargin).UnixMilli()))
}

// TestFullSynced: what a full sync that was carried through leaves behind, by what it listed.
func TestFullSynced(t *testing.T) {
	source, began, ended := kubetest.ASource(), noon.Add(-2*time.Second), noon
	state := func() *State {
		p := &State{Coverage: Coverage{Changed: true, StoredBefore: 9}, Retention: Retention{Omitted: 5}}
		p.Retention.Pruned(2)
		p.Retention.Pruned(1)
		p.Health.Unstalled = map[string]struct{}{"a": {}}
		return p
	}
	g := NewWithT(t)
	p := state()
	p.Inputs.Requested = "asked"
	p.FullSynced(source, &Listing{Began: began, Requested: "asked", Whole: true, Omitted: 4, Newest: 7_000_000}, ended)
	g.Expect(p.Coverage).To(Equal(Coverage{Synced: true, StoredBefore: 9, Listed: began, FullAt: began, Handled: "asked", Newest: 7_000_000}))
	g.Expect([]bool{p.NeedsListing(began.Add(listEvery - 1)), p.NeedsListing(began.Add(listEvery))}).To(Equal([]bool{false, true}))
	g.Expect(p.Coverage.CreatedSince()).To(Equal(7_000_000 - restartMargin.Milliseconds()))
	g.Expect(p.Retention).To(Equal(Retention{Omitted: 4, NotifyAfter: 7_000_000 - notifyMargin.Milliseconds()}))
	g.Expect(p.Health.Unstalled).To(BeNil())
	g.Expect(p.Schedule.NextFull.Sub(ended)).To(And(BeNumerically(">", time.Minute/2), BeNumerically("<=", source.Spec.ResyncInterval.Duration*11/10)))

	p.Inputs.Requested = "asked since"
	p.FullSynced(source, &Listing{Began: began, Requested: "asked", Whole: true}, ended)
	g.Expect(p.Schedule.NextFull).To(Equal(ended), "it was asked for once more while it was under way")
	g.Expect(p.NeedsListing(ended)).To(BeTrue(), "no update is known to go on from")

	p = state()
	p.FullSynced(source, &Listing{Began: began, Omitted: 4}, ended)
	g.Expect(p.Coverage.Listed).To(BeZero(), "not every task was listed")
	g.Expect(p.Retention.Omitted).To(BeEquivalentTo(8), "those of before, and what was pruned since")
	g.Expect(p.Retention.NotifyAfter).To(Equal(began.Add(-notifyMargin).UnixMilli()), "no update is known: the clock has to do")
	p.FullSynced(source, &Listing{Began: began}, ended)
	g.Expect(p.Retention.Omitted).To(BeEquivalentTo(8), "and not once more")

	p = state()
	p.FullSynced(source, &Listing{Began: began, Whole: true, Most: true, Stored: 60, Again: true}, ended)
	g.Expect([]any{p.Coverage.Changed, p.Coverage.StoredBefore}).To(Equal([]any{true, 60}), "most wait for a confirmation")
	g.Expect(p.Coverage.Listed).To(BeZero(), "again")
	g.Expect(p.Schedule.NextFull).To(Equal(ended))

	p = state()
	p.Health.Unreadable.Listed(nil, 3)
	p.FullSynced(source, &Listing{Began: began, Whole: true}, ended)
	g.Expect(p.Schedule.NextFull.Sub(ended)).To(BeNumerically("<=", soonShare*2*time.Second), "only a listing tells of rows without an ID")
}

// TestRenewKeepsTheFirstCount: of several changes before the next full sync, what was stored before the first is what tells whether most
// of it is missing.
func TestRenewKeepsTheFirstCount(t *testing.T) {
	g := NewWithT(t)
	p := &State{Inputs: Inputs{Generation: 1, Fingerprint: "a"}, Coverage: Coverage{Synced: true, Listed: noon, Resuming: true}}
	p.Health.Unreadable.Add("x")
	p.Health.unusable = 3
	seed := p.HashSeed
	p.Renew(kubetest.ASource(), Observed{Fingerprint: "b", Stored: 40}, notAsked, noon)
	g.Expect(p.Coverage.Listed).To(BeZero())
	g.Expect(p.HashSeed).NotTo(Equal(seed), "answers of another account are none of before")
	g.Expect(p.Coverage.Resuming).To(BeFalse(), "nor are its times")
	g.Expect([]int{p.Health.Unreadable.Count(), p.Health.unusable}).To(Equal([]int{0, 0}), "which are the other account's")
	p.Renew(kubetest.ASource(), Observed{Fingerprint: "c", Stored: 3}, notAsked, noon)
	g.Expect(p.Coverage.StoredBefore).To(Equal(40))

	source := kubetest.ASource()
	source.Generation = 2
	p = &State{Inputs: Inputs{Generation: 1, Fingerprint: "a"}, Coverage: Coverage{Synced: true, Listed: noon}}
	p.Renew(source, Observed{Fingerprint: "a", Stored: 40}, notAsked, noon)
	g.Expect([]any{p.Coverage.Listed, p.Coverage.Changed, p.Coverage.StoredBefore}).To(Equal([]any{time.Time{}, true, 40}), "another spec")

	p = &State{Inputs: Inputs{Generation: 1, Fingerprint: "a"}, Coverage: Coverage{Synced: true, Listed: noon}}
	p.Renew(kubetest.ASource(), Observed{Fingerprint: "a", Stored: 40}, notAsked, noon)
	g.Expect([]any{p.Coverage.Listed, p.Coverage.Changed, p.Coverage.StoredBefore}).To(Equal([]any{noon, false, 0}), "nothing changed")
}

// TestRaise: history never brings back what it has pruned.
func TestRaise(t *testing.T) {
	g := NewWithT(t)
	r := &Retention{}
	for _, at := range []int64{5, 9, 7} {
		r.Raise(mirror.Stamp{UpdatedAt: at})
	}
	g.Expect(r.Cutoff.UpdatedAt).To(BeEquivalentTo(9))
}

// TestSoonIsNeitherAtOnceNorLater: a full sync that left something and took no time is followed by another after an interval, and one that
// took long no later than by the regular one.
func TestSoonIsNeitherAtOnceNorLater(t *testing.T) {
	g := NewWithT(t)
	source := kubetest.ASource()
	p := &State{}
	p.FullSynced(source, &Listing{Began: noon, Whole: true, Soon: true}, noon)
	g.Expect(p.Schedule.NextFull.Sub(noon)).To(Equal(source.Spec.Interval.Duration))
	p.FullSynced(source, &Listing{Began: noon.Add(-10 * time.Hour), Whole: true, Soon: true}, noon)
	g.Expect(p.Schedule.NextFull.Sub(noon)).To(BeNumerically("<=", source.Spec.ResyncInterval.Duration*11/10))
}

// TestNothingIsToldOfWhatWasLost: where all that was mirrored is gone from the cluster, what is mirrored anew is not news. Where there
// never was any task, each is.
func TestNothingIsToldOfWhatWasLost(t *testing.T) {
	for total, want := range map[int32]int64{3: notifyNothing, 0: noon.Add(-time.Minute).UnixMilli() - notifyMargin.Milliseconds()} {
		source, p := resumed(v1alpha1.ReasonSynced), &State{}
		source.Status.Tasks.Total = total
		p.Resume(source, each(), noon)
		NewWithT(t).Expect(p.Retention.NotifyAfter).To(Equal(want), "%d were mirrored", total)
	}
}
