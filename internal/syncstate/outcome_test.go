// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		failures           int
		delay, limit, want time.Duration
	}{
		{0, time.Second, time.Minute, time.Second},
		{1, time.Second, time.Minute, time.Second},
		{2, time.Second, time.Minute, 2 * time.Second},
		{4, time.Second, time.Minute, 8 * time.Second},
		{7, time.Second, time.Minute, time.Minute},
		{1_000_000_000, time.Second, time.Minute, time.Minute},
		{1, 2 * time.Minute, time.Minute, 2 * time.Minute}, // never faster than when all is well
		{9, 2 * time.Minute, time.Minute, 2 * time.Minute},
		{3, 40 * time.Second, time.Minute, time.Minute},
	} {
		if got := condition.Backoff(c.failures, c.delay, c.limit); got != c.want {
			t.Errorf("failure %d of %v, at most %v: %v, want %v", c.failures, c.delay, c.limit, got, c.want)
		}
	}
}

// conditionsIn returns what the manual of sources says of the conditions Reconciling and Stalled.
func conditionsIn(t *testing.T) (reconciling, stalled string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/livepeertasksource.md")
	if err != nil {
		t.Fatal(err)
	}
	_, status, _ := strings.Cut(string(page), "\nConditions follow kstatus.")
	status, _, found := strings.Cut(status, "`Suspended` has neither")
	reconciling, stalled, both := strings.Cut(status, "**Stalled** is there")
	if !found || !both {
		t.Fatal("the section of conditions is not found")
	}
	return reconciling, stalled
}

// TestOutcomeOf: every error that a step can end in, the third time in a row, with polls 5 s apart. The manual says which of them
// somebody has to act on.
func TestOutcomeOf(t *testing.T) {
	const interval = 5 * time.Second
	api := func(kind studio.Kind, retryAfter time.Duration) error {
		return fmt.Errorf("listing: %w", &studio.Error{Kind: kind, RetryAfter: retryAfter, Message: "the API says no"})
	}
	reconciling, stalled := conditionsIn(t)
	trouble := credentials.NotFound(types.NamespacedName{Namespace: "media", Name: "livepeer"})
	for name, c := range map[string]struct {
		err     error
		reason  string
		message string
		stalled bool
		delay   time.Duration
	}{
		"no Secret":          {trouble, v1alpha1.ReasonSecretNotFound, `Secret "livepeer" not found: create it in namespace "media"`, true, 20 * time.Second},
		"no Secret, wrapped": {fmt.Errorf("x: %w", trouble), v1alpha1.ReasonSecretNotFound, `"apiKey"`, true, 20 * time.Second},
		"bad key":            {api(studio.Unauthorized, 0), v1alpha1.ReasonUnauthorized, "the API says no", true, 20 * time.Second},
		"not allowed":        {api(studio.Forbidden, 0), v1alpha1.ReasonForbidden, "the API says no", true, 20 * time.Second},
		"forbidden address": {
			fmt.Errorf("listing: %w", &studio.ConfigError{Message: "That address is not permitted."}),
			v1alpha1.ReasonInvalidURL, "That address is not permitted.", true, 20 * time.Second,
		},
		"too often":             {api(studio.RateLimited, 0), v1alpha1.ReasonRateLimited, "the API says no", false, 20 * time.Second},
		"too often, wait":       {api(studio.RateLimited, 7*time.Minute), v1alpha1.ReasonRateLimited, "the API says no", false, 7 * time.Minute},
		"too often, short wait": {api(studio.RateLimited, time.Second), v1alpha1.ReasonRateLimited, "the API says no", false, 20 * time.Second},
		"down":                  {api(studio.Unavailable, 0), v1alpha1.ReasonUnavailable, "the API says no", false, 20 * time.Second},
		"down, wait":            {api(studio.Unavailable, time.Minute), v1alpha1.ReasonUnavailable, "the API says no", false, time.Minute},
		"nonsense":              {api(studio.Malformed, 0), v1alpha1.ReasonMalformed, "the API says no", false, 20 * time.Second},
		"wrong URL":             {api(studio.NotFound, 0), v1alpha1.ReasonMalformed, "the API says no", false, 20 * time.Second},
		"a new kind":            {api("New", 0), v1alpha1.ReasonUnavailable, "the API says no", false, 20 * time.Second},
		"no writing": {
			fmt.Errorf("x: %w", &taskstore.WriteError{Verb: plan.Create, Err: errors.New("etcd is full")}),
			v1alpha1.ReasonWriteFailed, "Tasks can't be stored for now: Create a LivepeerTask: etcd is full. It is tried again. Look at the API server, its webhooks", false, 4 * time.Second,
		},
		"no right": {
			apierrors.NewForbidden(v1alpha1.GroupVersion.WithResource("secrets").GroupResource(), "livepeer", errors.New("RBAC")),
			v1alpha1.ReasonForbidden, "livepeer\" is forbidden: RBAC. Apply its roles again; where they name Secrets, add this one or refer to another", true, 20 * time.Second,
		},
		"too slow":      {context.DeadlineExceeded, v1alpha1.ReasonUnavailable, "deadline", false, 20 * time.Second},
		"anything else": {errors.New("surprise"), v1alpha1.ReasonUnavailable, "surprise", false, 20 * time.Second},
	} {
		got := OutcomeOf(c.err, 3, interval)
		if got.Reason != c.reason || got.Stalled != c.stalled || got.Delay != c.delay || !strings.Contains(got.Message, c.message) {
			t.Errorf("%s: %+v", name, got)
		}
		if listed := "`" + c.reason + "`"; strings.Contains(stalled, listed) != c.stalled || strings.Contains(reconciling, listed) == c.stalled {
			t.Errorf("%s: docs/livepeertasksource.md names %s under the wrong condition: Stalled is %v", name, c.reason, c.stalled)
		}
		for _, slow := range []time.Duration{time.Second, time.Minute, time.Hour} {
			for failures := range 20 {
				out := OutcomeOf(c.err, failures+1, slow)
				if out.Delay < slow && c.reason != v1alpha1.ReasonWriteFailed {
					t.Errorf("%s: failure %d makes polls every %v come after %v", name, failures, slow, out.Delay)
				}
				if out.Delay > max(slow, maxDelayStalled, 7*time.Minute) {
					t.Errorf("%s: failure %d waits for %v", name, failures, out.Delay)
				}
			}
		}
	}
}

func TestSourceError(t *testing.T) {
	cause := errors.New("cause")
	err := error(&condition.Error{Reason: "InvalidSecret", Message: "Do this", Err: cause})
	if !errors.Is(err, cause) || err.Error() != "InvalidSecret: Do this" {
		t.Errorf("%v", err)
	}
}
