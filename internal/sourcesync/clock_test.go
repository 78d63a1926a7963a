// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestClockSetWhileAway: the clock of the operator's machine is set while the operator is not running. Then times on
// record are of a future or of a distant past. Polls and full syncs are none the later for it.
func TestClockSetWhileAway(t *testing.T) {
	for name, skew := range map[string][2]time.Duration{
		"back by a day":    {24 * time.Hour, 0},
		"back by a minute": {time.Minute, 0},
		"on by a day":      {0, 24 * time.Hour},
		"back to 1970":     {0, -50 * 365 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, livepeertest.Fault{})
			defer a.server.Close()
			defer func() { a.process.end() }()
			a.silence()
			for range 10 {
				a.create()
			}
			a.skew = skew[0]
			a.sync("once")

			a.skew = skew[1]
			a.start()
			began := a.clock
			a.create()
			a.passes(began.Add(a.api.Source.Spec.Interval.Duration * 11 / 10))
			a.equal()
			gone := a.studio.IDs()[3]
			a.studio.Delete(gone)
			a.deleted.Store(gone, true)
			a.passes(began.Add(a.api.Source.Spec.ResyncInterval.Duration * 12 / 10))
			a.equal()
			now, status := a.clock.Add(a.skew), a.api.Source.Status
			for _, recorded := range []*metav1.Time{status.LastPollTime, status.LastFullSyncTime} {
				if recorded.After(now) || now.Sub(recorded.Time) > a.api.Source.Spec.ResyncInterval.Duration*12/10 {
					t.Errorf("%v is on record at %v", recorded, now)
				}
			}
		})
	}
}

// passes lets time pass, with a turn whenever one is due.
func (a *account) passes(until time.Time) {
	a.t.Helper()
	for a.clock.Before(until) {
		a.turn()
	}
}

// TestPausesFollowPassingTime: what is planned after a restart is planned by the time that passes, like everything else,
// and not by a clock that can be set afterwards.
func TestPausesFollowPassingTime(t *testing.T) {
	source, now := kubetest.ASource(), time.Now()
	source.Status.ObservedGeneration = source.Generation
	source.Status.LastFullSyncTime = &metav1.Time{Time: now.Add(-time.Minute).Round(0)}
	p := &state{}
	p.resume(source, &shared{}, each(), now)
	p.renew(source, "print", notAsked, 0, now)
	p.failed(Outcome{Delay: time.Minute}, false, now)
	for what, planned := range map[string]time.Time{
		"full sync": p.nextFull, "poll": p.nextPoll, "next attempt": p.retryAt, "slot": slot("x", time.Minute, now, now),
	} {
		if !strings.Contains(planned.String(), " m=") { // the reading of the clock that nobody can set
			t.Errorf("the %s is planned for %v by the wall clock", what, planned)
		}
	}
}
