// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"net/http"
	"time"
)

// Kind is what an Error means for what comes next.
type Kind string

const (
	// Unavailable says that the sink is out of reach, overloaded or broken, and trying again helps.
	Unavailable Kind = "Unavailable"
	// Denied says that the sink wants no event of this sender: the URL or the token is wrong.
	Denied Kind = "Denied"
	// Refused says that the sink does not take this very event.
	Refused Kind = "Refused"
	// Unusable says that the settings are wrong, and nothing was sent.
	Unusable Kind = "Unusable"
)

// Error says why an event did not reach its sink.
type Error struct {
	Kind Kind
	// Status is the HTTP status that the sink answered, 0 where it did not.
	Status int
	// RetryAfter is how long the sink wants to be left alone; 0 where it did not say.
	RetryAfter time.Duration
	// Message is a sentence for a person. It never contains a credential.
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// kindOf maps an HTTP status other than 2xx to the kind of error that it is.
func kindOf(status int) Kind {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return Unavailable
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return Denied
	}
	if status >= http.StatusInternalServerError {
		return Unavailable
	}
	if status < http.StatusBadRequest {
		return Denied
	}
	return Refused
}
