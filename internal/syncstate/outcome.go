// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// The longest pauses between polls that fail. A longer spec.interval wins: errors never make polling faster.
const (
	maxDelayTransient = 30 * time.Second
	maxDelayStalled   = time.Minute
	// writeDelay is the first pause after a write to Kubernetes failed. The retry does not call Studio.
	writeDelay = time.Second
)

// Outcome is what the Ready condition of a source says, and when to try again.
type Outcome struct {
	Reason  string
	Message string
	Stalled bool
	// Delay is the pause before the next attempt.
	Delay time.Duration
}

// OutcomeOf decides, for every error that a step can end in, what the source's condition says and when the next
// attempt is. failures counts the attempts that failed in a row, this one included.
func OutcomeOf(err error, failures int, interval time.Duration) Outcome {
	var known *condition.Error
	var api *studio.Error
	var config *studio.ConfigError
	var write *taskstore.WriteError
	switch {
	case errors.As(err, &known):
		return Outcome{known.Reason, known.Message, known.Stalled, condition.Backoff(failures, interval, maxDelayStalled)}
	case errors.As(err, &config): // the host leads to an address that is not permitted
		return Outcome{v1alpha1.ReasonInvalidURL, config.Message, true, condition.Backoff(failures, interval, maxDelayStalled)}
	case errors.As(err, &api):
		return apiOutcome(api, failures, interval)
	case errors.As(err, &write):
		return Outcome{
			v1alpha1.ReasonWriteFailed, "Tasks can't be stored for now: " + write.Error() +
				". It is tried again. Look at the API server, its webhooks, and whether the CRDs are there", false,
			condition.Backoff(failures, writeDelay, maxDelayTransient),
		}
	case apierrors.IsForbidden(err):
		return Outcome{
			v1alpha1.ReasonForbidden, "The operator lacks a right in this cluster: " + err.Error() +
				". Apply its roles again; where they name Secrets, add this one or refer to another", true,
			condition.Backoff(failures, interval, maxDelayStalled),
		}
	default:
		return Outcome{v1alpha1.ReasonUnavailable, err.Error(), false, condition.Backoff(failures, interval, maxDelayTransient)}
	}
}

func apiOutcome(err *studio.Error, failures int, interval time.Duration) Outcome {
	out := Outcome{Message: err.Error(), Delay: condition.Backoff(failures, interval, maxDelayTransient)}
	switch err.Kind {
	case studio.Unauthorized:
		out.Reason, out.Stalled = v1alpha1.ReasonUnauthorized, true
	case studio.Forbidden:
		out.Reason, out.Stalled = v1alpha1.ReasonForbidden, true
	case studio.RateLimited:
		out.Reason = v1alpha1.ReasonRateLimited
	case studio.Malformed, studio.NotFound:
		out.Reason = v1alpha1.ReasonMalformed
	default:
		out.Reason = v1alpha1.ReasonUnavailable
	}
	if out.Stalled {
		out.Delay = condition.Backoff(failures, interval, maxDelayStalled)
	}
	out.Delay = max(out.Delay, err.RetryAfter)
	return out
}

// retryAfter returns the Retry-After of an error of the API, 0 if it has none.
func retryAfter(err error) time.Duration {
	if api, ok := errors.AsType[*studio.Error](err); ok {
		return api.RetryAfter
	}
	return 0
}
