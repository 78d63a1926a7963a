// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

var noon = time.UnixMilli(1587667200000).UTC()

// TestSlot: sources are polled once an interval, at times of their own that are spread evenly.
func TestSlot(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 10 * time.Second, 7 * time.Minute, 24 * time.Hour} {
		buckets := make([]int, 10)
		for i := range 200 {
			sum := sha256.Sum256([]byte{byte(i)}) // UIDs are random
			uid := types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
			first := slot(uid, interval, noon, noon)
			if wait := first.Sub(noon); wait < interval/10 || wait > interval*11/10 {
				t.Fatalf("%s, %v: %v", uid, interval, wait)
			}
			if !slot(uid, interval, noon, noon).Equal(first) {
				t.Fatalf("%s, %v: not deterministic", uid, interval)
			}
			second := slot(uid, interval, first, first)
			if second.Sub(first) != interval {
				t.Fatalf("%s, %v: then %v", uid, interval, second.Sub(first))
			}
			for _, took := range []time.Duration{interval / 2, interval - 1} {
				if late := slot(uid, interval, first, first.Add(took)); !late.Equal(second) {
					t.Fatalf("%s, %v: a poll that took %v shifts the next by %v", uid, interval, took, late.Sub(second))
				}
			}
			buckets[first.Sub(noon)%interval*10/interval]++
		}
		for _, n := range buckets {
			if n < 8 || n > 40 {
				t.Fatalf("%v: %v", interval, buckets)
			}
		}
	}
	if wait := slot("x", 0, noon, noon).Sub(noon); wait < time.Second/10 || wait > time.Second*11/10 {
		t.Errorf("without an interval: %v", wait)
	}
}

// TestRenew: a source that is at rest, polled and fully synced, is changed.
func TestRenew(t *testing.T) {
	soon, late := noon.Add(5*time.Second), noon.Add(5*time.Minute)
	for name, c := range map[string]struct {
		before      func(*State)
		change      func(*v1alpha1.LivepeerTaskSource)
		fingerprint string
		wantNow     bool // to poll, and to list everything, at once
		goesOn      bool // the full sync that is under way
		wantSynced  bool
		wantRetry   bool // that the pause after a failure goes on
	}{
		"nothing":      {wantSynced: true, wantRetry: true},
		"spec":         {change: func(s *v1alpha1.LivepeerTaskSource) { s.Generation++ }, wantNow: true},
		"key":          {fingerprint: "new", wantNow: true, wantSynced: true},
		"request":      {change: annotated(v1alpha1.AnnotationRequestedAt, "new"), wantNow: true, goesOn: true, wantSynced: true},
		"old request":  {change: annotated(v1alpha1.AnnotationRequestedAt, "handled"), wantSynced: true, wantRetry: true},
		"confirmation": {before: pruning, change: annotated(v1alpha1.AnnotationConfirmPrune, "token"), wantNow: true, wantSynced: true},
		"wrong token":  {before: pruning, change: annotated(v1alpha1.AnnotationConfirmPrune, "x"), wantSynced: true, wantRetry: true},
		"needless token": {
			change: annotated(v1alpha1.AnnotationConfirmPrune, "token"), wantSynced: true, wantRetry: true,
		},
		"spec, but told to wait": {
			before: told, change: func(s *v1alpha1.LivepeerTaskSource) { s.Generation++ }, wantNow: true, wantRetry: true,
		},
		"request, but told to wait": {
			before: told, change: annotated(v1alpha1.AnnotationRequestedAt, "new"), wantNow: true, goesOn: true, wantSynced: true,
			wantRetry: true,
		},
		"key, while another was told to wait": {before: told, fingerprint: "new", wantNow: true, wantSynced: true},
	} {
		p := &State{
			Inputs:    Inputs{Generation: 1, Fingerprint: "print"},
			Coverage:  Coverage{Handled: "handled", Synced: true},
			Retention: Retention{Cutoff: mirror.Stamp{UpdatedAt: 5}},
			Schedule:  Schedule{NextPoll: soon, NextFull: late, RetryAt: soon, failures: 3},
		}
		source := kubetest.ASource()
		if c.before != nil {
			c.before(p)
		}
		if c.change != nil {
			c.change(source)
		}
		if c.fingerprint == "" {
			c.fingerprint = p.Inputs.Fingerprint
		}
		found := Observed{Fingerprint: c.fingerprint, Listing: true}
		dropped := p.Renew(source, found, notAsked, noon)
		if now := p.Schedule.NextPoll.Equal(noon) && p.Schedule.NextFull.Equal(noon); now != c.wantNow {
			t.Errorf("%s: at once: %v", name, now)
		}
		if (c.wantNow && !c.goesOn) != (dropped != Nothing) || (dropped == Everything) != (c.fingerprint == "new") {
			t.Errorf("%s: drops %v", name, dropped)
		}
		if p.Coverage.Synced != c.wantSynced || (p.Retention.Cutoff == mirror.Stamp{}) != !c.wantSynced {
			t.Errorf("%s: synced %v, cutoff %v", name, p.Coverage.Synced, p.Retention.Cutoff)
		}
		if retry := p.Schedule.RetryAt.Equal(soon) && p.Schedule.failures == 3; retry != c.wantRetry {
			t.Errorf("%s: goes on to wait: %v", name, retry)
		}
		before := *source
		p.Schedule.NextPoll = soon
		if p.Renew(&before, found, notAsked, noon); !p.Schedule.NextPoll.Equal(soon) {
			t.Errorf("%s: is taken in twice", name)
		}
	}
}

func annotated(key, value string) func(*v1alpha1.LivepeerTaskSource) {
	return func(source *v1alpha1.LivepeerTaskSource) { source.Annotations[key] = value }
}

func pruning(p *State) { p.Health.Paused = &Paused{Token: "token"} }

func told(p *State) { p.Schedule.fixed = true }

func TestRenewAfterARestart(t *testing.T) {
	late := noon.Add(5 * time.Minute)
	source := kubetest.ASource()
	source.Annotations[v1alpha1.AnnotationRequestedAt] = "handled"
	p := &State{
		Coverage: Coverage{Handled: "handled", Synced: true}, Retention: Retention{Cutoff: mirror.Stamp{UpdatedAt: 5}},
		Schedule: Schedule{NextFull: late},
	}
	p.Renew(source, Observed{Fingerprint: "print"}, notAsked, noon)
	if !p.Schedule.NextPoll.Equal(noon) || !p.Schedule.NextFull.Equal(late) || !p.Coverage.Synced || p.Retention.Cutoff.UpdatedAt != 5 {
		t.Errorf("polls at %v, lists at %v, synced %v", p.Schedule.NextPoll, p.Schedule.NextFull, p.Coverage.Synced)
	}
	source.Annotations[v1alpha1.AnnotationRequestedAt] = "meanwhile"
	p = &State{Coverage: Coverage{Handled: "handled"}, Schedule: Schedule{NextFull: late}}
	if p.Renew(source, Observed{Fingerprint: "print"}, notAsked, noon); !p.Schedule.NextFull.Equal(noon) {
		t.Error("a request made meanwhile is forgotten")
	}
}

// TestRenewForgetsTheOldAccount: what another key or URL has shown is neither written nor followed any more.
func TestRenewForgetsTheOldAccount(t *testing.T) {
	old := func() *State {
		return &State{
			Inputs: Inputs{Generation: 1, Fingerprint: "old"}, Coverage: Coverage{Synced: true}, Watermark: Watermark{newest: 7},
		}
	}
	p := old()
	dropped := p.Renew(kubetest.ASource(), Observed{Fingerprint: "new", Stored: 40, Listing: true}, notAsked, noon)
	if dropped != Everything || p.Watermark.newest != 0 || !p.Schedule.NextFull.Equal(noon) || p.Coverage.StoredBefore != 40 {
		t.Errorf("%+v", p)
	}
	p = old()
	dropped = p.Renew(kubetest.ASource(), Observed{Fingerprint: "old", Stored: 40, Listing: true}, notAsked, noon)
	if dropped != Nothing || p.Watermark.newest != 7 {
		t.Errorf("nothing changed: %+v", p)
	}
}

// TestResyncSoon: too many tasks to heal one by one. A full sync that is under way goes on, and another follows.
func TestResyncSoon(t *testing.T) {
	p := &State{
		Inputs:   Inputs{Generation: 1, Fingerprint: "print"},
		Schedule: Schedule{NextPoll: noon.Add(time.Second), NextFull: noon.Add(time.Hour)},
	}
	var asked atomic.Bool
	asked.Store(true)
	take := func() Wanted {
		if asked.Swap(false) {
			return WantedNow
		}
		return NotWanted
	}
	found := Observed{Fingerprint: "print", Listing: true}
	if dropped := p.Renew(kubetest.ASource(), found, take, noon); dropped != Nothing {
		t.Error("a full sync begins anew")
	}
	found.Listing = false
	p.Renew(kubetest.ASource(), found, take, noon)
	if !p.Schedule.NextFull.Equal(noon) || p.Schedule.NextPoll.Equal(noon) {
		t.Errorf("polls at %v, lists at %v", p.Schedule.NextPoll, p.Schedule.NextFull)
	}
	p.Schedule.NextFull = noon.Add(time.Hour)
	if p.Renew(kubetest.ASource(), found, take, noon); p.Schedule.NextFull.Equal(noon) {
		t.Error("is asked for once, and done twice")
	}
}

// TestTheNextFullSyncComesSoonWhereOneLeftSomething: an object that should have been deleted is not left until the next regular one.
func TestTheNextFullSyncComesSoonWhereOneLeftSomething(t *testing.T) {
	source := kubetest.ASource()
	for _, soon := range []bool{false, true} {
		p := &State{}
		p.FullSynced(source, &Listing{Began: noon.Add(-2 * time.Second), Whole: true, Soon: soon}, noon)
		wait := p.Schedule.NextFull.Sub(noon)
		if came := wait == 20*time.Second; came != soon && wait <= source.Spec.ResyncInterval.Duration/10 {
			t.Errorf("soon %v: after %v", soon, wait)
		}
		if soon && wait > 20*time.Second {
			t.Errorf("the next comes after %v", wait)
		}
	}
}

// TestWhatIsGoneIsLookedForSoon: not at once, or a Studio that says so all the time would be listed all the time; and never later than planned.
func TestWhatIsGoneIsLookedForSoon(t *testing.T) {
	source := kubetest.ASource()
	for planned, want := range map[time.Duration]time.Duration{time.Hour: 20 * time.Second, 15 * time.Second: 15 * time.Second} {
		p := &State{Inputs: Inputs{Generation: 1, Fingerprint: "print"}}
		p.FullSynced(source, &Listing{Began: noon.Add(-2 * time.Second), Whole: true}, noon)
		p.Schedule.NextFull = noon.Add(planned)
		p.Renew(source, Observed{Fingerprint: "print"}, func() Wanted { return WantedSoon }, noon)
		if wait := p.Schedule.NextFull.Sub(noon); wait != want {
			t.Errorf("planned in %v, then in %v", planned, wait)
		}
	}
}

// TestRefusedTasksAreTriedAgain soon, then more and more rarely, and not less often than every other task.
func TestRefusedTasksAreTriedAgain(t *testing.T) {
	source := kubetest.ASource() // each 10 s, and a full sync each 10 minutes
	p := &State{Inputs: Inputs{Generation: 1, Fingerprint: "print"}}
	sync := func(rejected Rejected) time.Duration {
		p.Health.Rejected = rejected
		p.FullSynced(source, &Listing{Began: noon.Add(-2 * time.Second), Whole: true}, noon)
		return p.Schedule.NextFull.Sub(noon)
	}
	regular := sync(Rejected{"b": ""}) // in conflict
	refused := Rejected{"a": "exceeded quota", "b": ""}
	for _, want := range []time.Duration{20, 40, 80, 160, 320, 640, 1280} {
		if wait := sync(refused); wait != min(want*time.Second, regular) {
			t.Errorf("in %v, not %v", wait, want*time.Second)
		}
	}
	for range 100 {
		if wait := sync(refused); wait != regular {
			t.Fatalf("in %v", wait)
		}
	}
	sync(nil)
	if wait := sync(refused); wait != 20*time.Second {
		t.Errorf("others are refused: in %v", wait)
	}
	source.Spec.Interval.Duration, source.Spec.ResyncInterval.Duration = 2*365*24*time.Hour, 3*365*24*time.Hour
	for range 100 {
		if wait := sync(refused); wait <= 0 {
			t.Fatalf("of one that is polled each two years: in %v", wait)
		}
	}
}

// TestWhatIsFreedIsTakenSoon: a source that another has made way for does not wait for its next regular full sync; nor does one that is asked
// for at once wait for that.
func TestWhatIsFreedIsTakenSoon(t *testing.T) {
	source := kubetest.ASource()
	for asked, want := range map[Wanted]time.Duration{NotWanted: 20 * time.Second, WantedNow: 0} {
		p := &State{Inputs: Inputs{Generation: 1, Fingerprint: "print"}}
		p.FullSynced(source, &Listing{Began: noon.Add(-2 * time.Second), Whole: true}, noon)
		p.Schedule.NextFull = noon.Add(time.Hour)
		p.Renew(source, Observed{Fingerprint: "print", Freed: true}, func() Wanted { return asked }, noon)
		if wait := p.Schedule.NextFull.Sub(noon); wait != want {
			t.Errorf("asked for %v: in %v", asked, wait)
		}
	}
}

func TestWait(t *testing.T) {
	in := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	for name, c := range map[string]struct {
		schedule Schedule
		busy     bool
		want     int // seconds
	}{
		"poll next":               {Schedule{NextPoll: in(7), NextFull: in(60)}, false, 7},
		"full sync next":          {Schedule{NextPoll: in(7), NextFull: in(3)}, false, 3},
		"due":                     {Schedule{NextPoll: in(-1), NextFull: in(60)}, false, -1},
		"something under way":     {Schedule{NextPoll: in(7), NextFull: in(60)}, true, 0},
		"a pause after a failure": {Schedule{NextPoll: in(-9), NextFull: in(-9), RetryAt: in(20)}, true, 20},
		"a pause that is over":    {Schedule{NextPoll: in(7), NextFull: in(60), RetryAt: in(-20)}, false, 7},
	} {
		if got := c.schedule.Wait(noon, c.busy); got != time.Duration(c.want)*time.Second {
			t.Errorf("%s: %v, want %d s", name, got, c.want)
		}
	}
	p := &Schedule{NextPoll: noon}
	limited := &studio.Error{Kind: studio.RateLimited, RetryAfter: 30 * time.Second}
	if got := p.Failed(limited, time.Second, noon); p.Wait(noon, true) != 30*time.Second || !p.fixed || got.Reason != v1alpha1.ReasonRateLimited {
		t.Errorf("after a failure: %v, %+v", p.Wait(noon, true), got)
	}
}

// notAsked says that nobody has asked for a full sync.
func notAsked() Wanted { return NotWanted }

func each(entries ...mirror.Entry) iter.Seq[*mirror.Entry] {
	return func(yield func(*mirror.Entry) bool) {
		for i := range entries {
			if !yield(&entries[i]) {
				return
			}
		}
	}
}

// TestARequestIsAnsweredByAFullSyncThatBeganAfterIt: one that is under way goes on, or requests that come faster than it takes would keep all
// from being carried through; and the next one follows at once.
func TestARequestIsAnsweredByAFullSyncThatBeganAfterIt(t *testing.T) {
	p := &State{Inputs: Inputs{Generation: 1, Fingerprint: "print", Requested: "first"}}
	source := kubetest.ASource()
	source.Annotations[v1alpha1.AnnotationRequestedAt] = "second"
	if dropped := p.Renew(source, Observed{Fingerprint: "print", Listing: true}, notAsked, noon); dropped != Nothing {
		t.Errorf("drops %v", dropped)
	}
	p.FullSynced(source, &Listing{Began: noon, Requested: "first", Whole: true}, noon)
	if p.Coverage.Handled != "first" || !p.Schedule.NextFull.Equal(noon) {
		t.Errorf("%q is answered, the next full sync is at %s", p.Coverage.Handled, p.Schedule.NextFull)
	}
	p.FullSynced(source, &Listing{Began: noon, Requested: "second", Whole: true}, noon)
	if p.Coverage.Handled != "second" || !p.Schedule.NextFull.After(noon) {
		t.Errorf("%q is answered, the next full sync is at %s", p.Coverage.Handled, p.Schedule.NextFull)
	}
	delete(source.Annotations, v1alpha1.AnnotationRequestedAt) // no request
	p.Renew(source, Observed{Fingerprint: "print"}, notAsked, noon)
	p.FullSynced(source, &Listing{Began: noon, Whole: true}, noon)
	if p.Coverage.Handled != "second" || !p.Schedule.NextFull.After(noon) {
		t.Errorf("%q is answered, the next full sync is at %s", p.Coverage.Handled, p.Schedule.NextFull)
	}
}
