// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

var noon = time.UnixMilli(1587667200000).UTC()

// aSource is a source that polls every 10 s and lists everything every 10 minutes.

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
		before      func(*state)
		change      func(*v1alpha1.LivepeerTaskSource)
		fingerprint string
		wantNow     bool // to poll, and to list everything, at once
		wantSynced  bool
		wantRetry   bool // that the pause after a failure goes on
	}{
		"nothing":      {wantSynced: true, wantRetry: true},
		"spec":         {change: func(s *v1alpha1.LivepeerTaskSource) { s.Generation++ }, wantNow: true},
		"key":          {fingerprint: "new", wantNow: true, wantSynced: true},
		"request":      {change: annotated(v1alpha1.AnnotationRequestedAt, "new"), wantNow: true, wantSynced: true},
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
			before: told, change: annotated(v1alpha1.AnnotationRequestedAt, "new"), wantNow: true, wantSynced: true, wantRetry: true,
		},
		"key, while another was told to wait": {before: told, fingerprint: "new", wantNow: true, wantSynced: true},
	} {
		p := &state{
			generation: 1, fingerprint: "print", handled: "handled", synced: true, floor: mirror.Stamp{UpdatedAt: 5},
			nextPoll: soon, nextFull: late, retryAt: soon, failures: 3, full: &fullSync{},
		}
		source := kubetest.ASource()
		if c.before != nil {
			c.before(p)
		}
		if c.change != nil {
			c.change(source)
		}
		if c.fingerprint == "" {
			c.fingerprint = p.fingerprint
		}
		p.renew(source, c.fingerprint, notAsked, 0, noon)
		if now := p.nextPoll.Equal(noon) && p.nextFull.Equal(noon) && p.full == nil; now != c.wantNow {
			t.Errorf("%s: at once: %v", name, now)
		}
		if p.synced != c.wantSynced || (p.floor == mirror.Stamp{}) != !c.wantSynced {
			t.Errorf("%s: synced %v, floor %v", name, p.synced, p.floor)
		}
		if retry := p.retryAt.Equal(soon) && p.failures == 3; retry != c.wantRetry {
			t.Errorf("%s: goes on to wait: %v", name, retry)
		}
		before := *source
		p.nextPoll, p.full = soon, nil
		if p.renew(&before, c.fingerprint, notAsked, 0, noon); !p.nextPoll.Equal(soon) {
			t.Errorf("%s: is taken in twice", name)
		}
	}
}

func annotated(key, value string) func(*v1alpha1.LivepeerTaskSource) {
	return func(source *v1alpha1.LivepeerTaskSource) { source.Annotations[key] = value }
}

func pruning(p *state) { p.paused = &paused{token: "token"} }

func told(p *state) { p.retryFixed = true }

func TestRenewAfterARestart(t *testing.T) {
	late := noon.Add(5 * time.Minute)
	source := kubetest.ASource()
	source.Annotations[v1alpha1.AnnotationRequestedAt] = "handled"
	p := &state{handled: "handled", synced: true, floor: mirror.Stamp{UpdatedAt: 5}, nextFull: late}
	p.renew(source, "print", notAsked, 0, noon)
	if !p.nextPoll.Equal(noon) || !p.nextFull.Equal(late) || !p.synced || p.floor.UpdatedAt != 5 {
		t.Errorf("polls at %v, lists at %v, synced %v", p.nextPoll, p.nextFull, p.synced)
	}
	source.Annotations[v1alpha1.AnnotationRequestedAt] = "meanwhile"
	p = &state{handled: "handled", nextFull: late}
	if p.renew(source, "print", notAsked, 0, noon); !p.nextFull.Equal(noon) {
		t.Error("a request made meanwhile is forgotten")
	}
}

// TestRenewForgetsTheOldAccount: what another key or URL has shown is neither written nor followed any more.
func TestRenewForgetsTheOldAccount(t *testing.T) {
	old := func() *state {
		return &state{
			generation: 1, fingerprint: "old", synced: true, watermark: watermark{newest: 7}, full: &fullSync{},
			pending: []*mirror.Observation{{ID: "of the old account"}},
		}
	}
	p := old()
	p.renew(kubetest.ASource(), "new", notAsked, 40, noon)
	if p.pending != nil || p.full != nil || p.watermark.newest != 0 || !p.nextFull.Equal(noon) || p.storedBefore != 40 {
		t.Errorf("%+v", p)
	}
	p = old()
	if p.renew(kubetest.ASource(), "old", notAsked, 40, noon); len(p.pending) != 1 || p.full == nil || p.watermark.newest != 7 {
		t.Errorf("nothing changed: %+v", p)
	}
}

// TestResyncSoon: too many tasks to heal one by one. A full sync that is under way goes on, and another follows.
func TestResyncSoon(t *testing.T) {
	full := &fullSync{}
	p := &state{generation: 1, fingerprint: "print", nextPoll: noon.Add(time.Second), nextFull: noon.Add(time.Hour), full: full}
	var asked atomic.Bool
	asked.Store(true)
	if p.renew(kubetest.ASource(), "print", asked.Swap, 0, noon); p.full != full {
		t.Error("a full sync begins anew")
	}
	p.full = nil
	p.renew(kubetest.ASource(), "print", asked.Swap, 0, noon)
	if !p.nextFull.Equal(noon) || p.nextPoll.Equal(noon) {
		t.Errorf("polls at %v, lists at %v", p.nextPoll, p.nextFull)
	}
	p.nextFull = noon.Add(time.Hour)
	if p.renew(kubetest.ASource(), "print", asked.Swap, 0, noon); p.nextFull.Equal(noon) {
		t.Error("is asked for once, and done twice")
	}
}

func TestWait(t *testing.T) {
	in := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	for name, c := range map[string]struct {
		progress *state
		want     int // seconds
	}{
		"poll next":               {&state{nextPoll: in(7), nextFull: in(60)}, 7},
		"full sync next":          {&state{nextPoll: in(7), nextFull: in(3)}, 3},
		"due":                     {&state{nextPoll: in(-1), nextFull: in(60)}, -1},
		"something to write":      {&state{nextPoll: in(7), nextFull: in(60), pending: []*mirror.Observation{{}}}, 0},
		"a poll under way":        {&state{nextPoll: in(7), nextFull: in(60), poll: &pollPass{}}, 0},
		"a full sync under way":   {&state{nextPoll: in(7), nextFull: in(60), full: &fullSync{}}, 0},
		"a pause after a failure": {&state{nextPoll: in(-9), nextFull: in(-9), full: &fullSync{}, retryAt: in(20)}, 20},
		"a pause that is over":    {&state{nextPoll: in(7), nextFull: in(60), retryAt: in(-20)}, 7},
	} {
		if got := c.progress.wait(noon); got != time.Duration(c.want)*time.Second {
			t.Errorf("%s: %v, want %d s", name, got, c.want)
		}
	}
	p := &state{nextPoll: noon}
	p.failed(Outcome{Delay: 30 * time.Second}, true, noon)
	if p.wait(noon) != 30*time.Second || !p.retryFixed {
		t.Errorf("after a failure: %v", p.wait(noon))
	}
}

// notAsked says that nobody has asked for a full sync.
func notAsked(bool) bool { return false }
