// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// The longest pauses between polls that fail. A longer spec.interval wins: errors never make polling faster.
const (
	maxDelayTransient = 30 * time.Second
	maxDelayStalled   = time.Minute
	// writeDelay is the first pause after the Kubernetes API server failed. Studio is not called again for that.
	writeDelay = time.Second
)

// sourceError is a trouble of a source that a condition names: Reason and Message are the condition's, and Stalled says
// that it does not go away by itself.
type sourceError struct {
	Reason  string
	Message string
	Stalled bool
	Err     error
}

func (e *sourceError) Error() string { return e.Reason + ": " + e.Message }

func (e *sourceError) Unwrap() error { return e.Err }

func secretNotFound(key types.NamespacedName) *sourceError {
	return &sourceError{
		Reason: v1alpha1.ReasonSecretNotFound, Stalled: true,
		Message: fmt.Sprintf("Secret %q not found: create it in namespace %q with the Livepeer Studio API key under %q",
			key.Name, key.Namespace, secretKeyAPIKey),
	}
}

// outcome is what an error means for a source: its condition, and when to try again.
type outcome struct {
	Reason  string
	Message string
	Stalled bool
	// Delay is the pause before the next attempt.
	Delay time.Duration
}

// outcomeOf decides, for every error that a reconcile can end in, what the source's condition says and when the next
// attempt is. failures counts the attempts that failed in a row, this one included.
func outcomeOf(err error, failures int, interval time.Duration) outcome {
	var trouble *sourceError
	var api *studio.Error
	var config *studio.ConfigError
	var write *writeError
	switch {
	case errors.As(err, &trouble):
		return outcome{trouble.Reason, trouble.Message, trouble.Stalled, backoff(failures, interval, maxDelayStalled)}
	case errors.As(err, &config): // the host leads to an address that is not permitted
		return outcome{v1alpha1.ReasonInvalidURL, config.Message, true, backoff(failures, interval, maxDelayStalled)}
	case errors.As(err, &api):
		return apiOutcome(api, failures, interval)
	case errors.As(err, &write):
		return outcome{
			v1alpha1.ReasonWriteFailed, "Tasks can't be stored for now: " + write.Error(), false,
			backoff(failures, writeDelay, maxDelayTransient),
		}
	case apierrors.IsForbidden(err):
		return outcome{
			v1alpha1.ReasonForbidden, "The operator lacks a right in this cluster: " + err.Error(), true,
			backoff(failures, interval, maxDelayStalled),
		}
	default:
		return outcome{v1alpha1.ReasonUnavailable, err.Error(), false, backoff(failures, interval, maxDelayTransient)}
	}
}

func apiOutcome(err *studio.Error, failures int, interval time.Duration) outcome {
	out := outcome{Message: err.Error(), Delay: backoff(failures, interval, maxDelayTransient)}
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
		out.Delay = backoff(failures, interval, maxDelayStalled)
	}
	out.Delay = max(out.Delay, err.RetryAfter)
	return out
}

// backoff doubles a delay with each failure after the first, up to a limit, and is never shorter than the delay.
func backoff(failures int, delay, limit time.Duration) time.Duration {
	paused := delay
	for range failures - 1 {
		if paused >= limit {
			break
		}
		paused *= 2
	}
	return max(delay, min(paused, limit))
}
