// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestPausesFollowPassingTime: what is planned after a restart is planned by the time that passes, like everything else,
// and not by a clock that can be set afterwards.
func TestPausesFollowPassingTime(t *testing.T) {
	source, now := kubetest.ASource(), time.Now()
	source.Status.ObservedGeneration = source.Generation
	source.Status.LastFullSyncTime = &metav1.Time{Time: now.Add(-time.Minute).Round(0)}
	p := &State{}
	p.Resume(source, each(), now)
	p.Renew(source, Observed{Fingerprint: "print"}, notAsked, now)
	p.Schedule.Failed(errors.New("surprise"), time.Minute, now)
	for what, planned := range map[string]time.Time{
		"full sync": p.Schedule.NextFull, "poll": p.Schedule.NextPoll, "next attempt": p.Schedule.RetryAt, "slot": slot("x", time.Minute, now, now),
	} {
		if !strings.Contains(planned.String(), " m=") { // the reading of the clock that nobody can set
			t.Errorf("the %s is planned for %v by the wall clock", what, planned)
		}
	}
}
