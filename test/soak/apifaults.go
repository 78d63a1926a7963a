// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// request is what a request to the API server is, as far as faults are concerned.
type request int

const (
	reading request = iota
	writing
	watching
	leasing // reading or writing the lease
)

func kindOf(r *http.Request) request {
	watch := r.URL.Query().Get("watch")
	switch {
	case strings.Contains(r.URL.Path, "/leases"):
		return leasing
	case watch == "1" || watch == "true":
		return watching
	case mutates(r.Method):
		return writing
	}
	return reading
}

func mutates(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch || method == http.MethodDelete
}

// ofTheMirror reports whether a request is about the operator's own kinds.
func ofTheMirror(path string) bool { return strings.HasPrefix(path, "/apis/studio.livepeer.org/") }

// apiFault is what goes wrong with one request. The zero apiFault is nothing.
type apiFault struct {
	name  string
	delay time.Duration // before the request goes on
	// status and reason answer it, without the API server.
	status     int
	reason     string
	retryAfter string
	reset      bool // the connection, before the API server has the request
	lose       bool // the answer: the API server has carried the request out, the connection is reset
	cutAfter   time.Duration
}

// chooseAPIFault picks a fault that an API server, or what is in front of it, could show for such a request.
func chooseAPIFault(r *rand.Rand, kind request, method string) apiFault {
	if kind == watching {
		return chooseWatchFault(r)
	}
	choices := []apiFault{
		{name: "429", status: http.StatusTooManyRequests, reason: "TooManyRequests"},
		{name: "429 with Retry-After", status: http.StatusTooManyRequests, reason: "TooManyRequests", retryAfter: "1"},
		{name: "500", status: http.StatusInternalServerError, reason: "InternalError"},
		{name: "503", status: http.StatusServiceUnavailable, reason: "ServiceUnavailable"},
		{name: "504", status: http.StatusGatewayTimeout, reason: "Timeout"},
		{name: "reset before", reset: true},
		{name: "slow", delay: between(r, 50*time.Millisecond, 1500*time.Millisecond)},
	}
	if mutates(method) {
		conflict := apiFault{name: "409", status: http.StatusConflict, reason: "Conflict"}
		if method == http.MethodPost {
			conflict.reason = "AlreadyExists"
		}
		lost := apiFault{name: "answer lost", lose: true}
		// What is done and not known to be done is the hardest, and so the most frequent.
		choices = append(choices, conflict, lost, lost, lost)
	}
	return choices[r.IntN(len(choices))]
}

func chooseWatchFault(r *rand.Rand) apiFault {
	cut := apiFault{name: "watch cut", cutAfter: between(r, 100*time.Millisecond, 4*time.Second)}
	choices := []apiFault{
		cut, cut, cut,
		{name: "watch expired", status: http.StatusGone, reason: "Expired"},
		{name: "429", status: http.StatusTooManyRequests, reason: "TooManyRequests", retryAfter: "1"},
		{name: "503", status: http.StatusServiceUnavailable, reason: "ServiceUnavailable"},
	}
	return choices[r.IntN(len(choices))]
}

// between picks a time from least up to most.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}
