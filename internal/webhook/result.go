// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/livepeer/livepeer-task-operator/internal/metrics"
)

// result is the result of a request.
type result string

const (
	accepted     result = "accepted"
	ignored      result = "ignored"
	repeated     result = "repeated"
	unauthorized result = "unauthorized"
	stale        result = "stale"
	malformed    result = "malformed"
	wrongMethod  result = "wrong_method"
	wrongType    result = "wrong_content_type"
	tooLarge     result = "too_large"
	unreadable   result = "unreadable"
	limited      result = "limited"
	unavailable  result = "unavailable"

	// What another replica answered.
	forwardedAccepted     result = "forwarded_accepted"
	forwardedUnauthorized result = "forwarded_unauthorized"
	forwardedTooLarge     result = "forwarded_too_large"
	forwardedUnavailable  result = "forwarded_unavailable"
)

// label is the result as the metric names it.
func (r result) label() string {
	switch r {
	case wrongMethod, wrongType, unreadable:
		return string(malformed)
	case forwardedAccepted, forwardedUnauthorized, forwardedTooLarge, forwardedUnavailable:
		return "forwarded"
	}
	return string(r)
}

// failure reports whether the result counts against the sender's limit.
func (r result) failure() bool {
	switch r {
	case unauthorized, stale, malformed, tooLarge, unreadable, forwardedUnauthorized, forwardedTooLarge:
		return true
	}
	return false
}

func (r result) status() int {
	switch r {
	case accepted, ignored, repeated, forwardedAccepted:
		return http.StatusAccepted
	case wrongMethod:
		return http.StatusMethodNotAllowed
	case wrongType:
		return http.StatusUnsupportedMediaType
	case tooLarge, forwardedTooLarge:
		return http.StatusRequestEntityTooLarge
	case limited, unavailable, unreadable, forwardedUnavailable: // may come again: Studio repeats after 5xx only
		return http.StatusServiceUnavailable
	default: // the same for all reasons, so that nobody learns which it was
		return http.StatusUnauthorized
	}
}

// answer writes the response. Its text follows from the status alone.
func (r result) answer(w http.ResponseWriter) {
	status := r.status()
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	switch status {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", retryAfter)
	}
	if status != http.StatusAccepted && status != http.StatusUnauthorized {
		header.Set("Connection", "close") // the rest of the request need not be read
	}
	w.WriteHeader(status)
	text := http.StatusText(status)
	if status == http.StatusUnauthorized { // the same text for all reasons
		text += ": the path is of no source that this operator serves, or the signature, its time or the content is wrong"
	}
	_, _ = io.WriteString(w, text+"\n") // an error means that the sender is gone
}

// newCounter registers the metric, or takes the one that is registered.
func newCounter(registry prometheus.Registerer) (*prometheus.CounterVec, error) {
	counter, err := metrics.Register(registry, metrics.NewCounter(metrics.WebhookRequests))
	if err != nil {
		return nil, err
	}
	for _, r := range []result{
		accepted, ignored, repeated, forwardedAccepted, unauthorized, stale, malformed, tooLarge, limited, unavailable,
	} {
		counter.WithLabelValues(r.label())
	}
	return counter, nil
}
