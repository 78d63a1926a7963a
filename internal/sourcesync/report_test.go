// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestJudge: a failed turn counts most, then what needs help, then how far the first sync is.
func TestJudge(t *testing.T) {
	hold := &paused{missing: 40, total: 60, token: "x"}
	for name, c := range map[string]struct {
		state   *state
		err     error
		reason  string
		message string
	}{
		"all well":   {&state{synced: true}, nil, v1alpha1.ReasonSynced, "Mirroring the tasks of https://livepeer.studio/api"},
		"first sync": {&state{}, nil, v1alpha1.ReasonSyncing, "Listing all tasks of https://livepeer.studio/api: 7 mirrored so far"},
		"conflict":   {&state{synced: true, rejected: rejected{"a": ""}}, nil, v1alpha1.ReasonConflict, "1 task is"},
		"refusal, while syncing": {
			&state{rejected: rejected{"a": "bad"}}, nil, v1alpha1.ReasonRefused, "bad",
		},
		"paused":        {&state{synced: true, paused: hold, rejected: rejected{"a": "bad"}}, nil, v1alpha1.ReasonPruningPaused, "40 of 60"},
		"failed":        {&state{synced: true, paused: hold}, errors.New("surprise"), v1alpha1.ReasonUnavailable, "surprise"},
		"failed before": {&state{synced: true, failures: 5}, nil, v1alpha1.ReasonSynced, "Mirroring"},
	} {
		var failure Outcome
		if c.err != nil {
			failure = outcomeOf(c.err, 1, time.Second)
		}
		if got := c.state.judge(kubetest.ASource(), 7, c.err, failure); got.Reason != c.reason || !strings.Contains(got.Message, c.message) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
