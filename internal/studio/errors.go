// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind says what sort of thing went wrong, and so what to do about it.
type Kind string

// Kinds of Error.
const (
	// Unauthorized: the API does not accept the key (401).
	Unauthorized Kind = "Unauthorized"
	// Forbidden: the key is known but not allowed to do this (403).
	Forbidden Kind = "Forbidden"
	// NotFound: there is no such task, or no such list (404).
	NotFound Kind = "NotFound"
	// RateLimited: the API was asked too often (429).
	RateLimited Kind = "RateLimited"
	// Unavailable: the API could not be reached, did not answer in time, or answered an error of its own (408, 5xx).
	Unavailable Kind = "Unavailable"
	// Malformed: the answer is not what the API's documentation says.
	Malformed Kind = "Malformed"
)

// Error is a failed request to the API. It never contains a credential.
type Error struct {
	Kind Kind
	// Status is the HTTP status of the answer, 0 without an answer.
	Status int
	// RetryAfter is the answer's Retry-After, from 0 (it has none) to 1 h.
	RetryAfter time.Duration
	// Message is one or two sentences for a person: what happened and, if known, what to do about it.
	Message string
	// Err is the cause, nil if the answer itself is the cause.
	Err error
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// ConfigError says that no client can be made with a setting.
type ConfigError struct {
	// Field is the setting as users know it: url, apiKey or ca.crt.
	Field string
	// Message is a sentence for a person that says what to do. It never contains a credential.
	Message string
}

func (e *ConfigError) Error() string { return e.Message }

// resultOf names how a request ended.
func resultOf(err error) string {
	api, failed := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return "Success"
	case failed:
		return string(api.Kind)
	default: // the host resolves to an address that is not permitted
		return "InvalidURL"
	}
}

// kindOf maps an HTTP status other than 200 to a kind of error.
func kindOf(status int) Kind {
	switch {
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusForbidden:
		return Forbidden
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status == http.StatusRequestTimeout || status == http.StatusProxyAuthRequired || status >= 500:
		return Unavailable
	default:
		return Malformed
	}
}

// maxRetryAfter keeps a mistaken Retry-After from silencing a source for days.
const maxRetryAfter = time.Hour

// RetryAfter reads Retry-After headers, seconds or an HTTP date; 0 if there is none, and an hour at most. If proxies have added
// more, the longest counts. now is for an answer that does not say what time it is where it comes from.
func RetryAfter(h http.Header, now time.Time) (longest time.Duration) {
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	for _, v := range h.Values("Retry-After") {
		if t, err := http.ParseTime(v); err == nil {
			longest = max(longest, t.Sub(now))
			continue
		}
		for part := range strings.SplitSeq(v, ",") {
			longest = max(longest, seconds(strings.TrimSpace(part)))
		}
	}
	return min(longest, maxRetryAfter)
}

// seconds reads a number of seconds, rounded up; 0 if it is none, and maxRetryAfter if it is more than that.
func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if strings.Trim(s, "0123456789.") != "" || err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(math.Ceil(f), maxRetryAfter.Seconds())) * time.Second
}
