// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// passes lets time pass, with a step whenever one is due.
func (a *account) passes(until time.Time) {
	a.t.Helper()
	for a.clock.Before(until) {
		a.step()
	}
}
