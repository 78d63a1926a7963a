// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"crypto/rand"
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/livepeer/livepeer-task-operator/internal/connections"
)

const (
	pathPrefix = "/hooks/"
	// freshness is how far the signed time of a delivery may be from now: others are replays, or one of the clocks is wrong.
	freshness = 5 * time.Minute
	// retryAfter is the Retry-After of a 503, in seconds. Studio begins with 5 s by itself.
	retryAfter = "5"
)

// handler answers deliveries.
type handler struct {
	sources  Sources
	election Election
	forward  *forwarder
	counter  *prometheus.CounterVec
	now      func() time.Time
	stopping atomic.Bool

	// unknownKey stands in for the secret of a source that has none, so that refusing takes the same time.
	unknownKey []byte
	bodies     *bodies
	// direct limits senders, relayed other replicas, each of which forwards for many senders.
	direct, relayed *limits
	seen            *seen
}

func newHandler(config *Config, counter *prometheus.CounterVec) *handler {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return &handler{
		sources: config.Sources, election: config.Election, counter: counter,
		forward: newForwarder(config.Certificate, config.connections()),
		now:     time.Now, unknownKey: key, bodies: newBodies(), seen: newSeen(),
		direct: newLimits(failRate, failBurst), relayed: newLimits(relayedFactor*failRate, relayedFactor*failBurst),
	}
}

// ServeHTTP answers one request. Until the signature is verified, the answer does not depend on the path.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	received := h.now()
	conn := connections.Of(r.Context())
	defer conn.Rest()
	limits, sender := h.direct, connections.Sender(r.RemoteAddr)
	sealed, relayed := sealOf(r, h.election, received)
	if relayed {
		limits = h.relayed
	}
	out := h.cheapChecks(r)
	if out == "" {
		if limits.blocked(sender, received) {
			out = limited
		} else if out = h.take(r, conn, received, sealed); out.failure() {
			limits.failed(sender, received)
		}
	}
	if relayed {
		w.Header().Set(headerForwarded, sealed.answer(out.status()))
	}
	h.counter.WithLabelValues(out.label()).Inc()
	out.answer(w)
}

// cheapChecks are those that need neither the body nor any knowledge.
func (h *handler) cheapChecks(r *http.Request) result {
	if r.Method != http.MethodPost {
		return wrongMethod
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return wrongType
	}
	return ""
}

// take reads a delivery, and verifies it if this replica leads, or else forwards it to the leader. sealed is nil unless it comes from
// another replica; conn may be nil.
func (h *handler) take(r *http.Request, conn *connections.Connection, received time.Time, sealed *seal) result {
	leading := h.election == nil || h.election.Leading()
	var leader netip.AddrPort
	var key []byte
	led := false
	if !leading && sealed == nil {
		leader, key, led = h.election.Leader()
	}
	switch {
	case r.ContentLength > maxBody:
		return tooLarge
	case h.stopping.Load(), leading && !h.sources.Ready(), !leading && !led:
		return unavailable
	}
	body, free, err := h.bodies.read(r.Body, connections.Sender(r.RemoteAddr), conn)
	defer free()
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge
	case errors.Is(err, errNoRoom):
		return unavailable
	case !conn.Work():
		return unavailable // it was closed to make room, which is not its sender's failure
	case err != nil:
		return unreadable
	case sealed != nil && !sealed.covers(body):
		return unauthorized
	case leading:
		return h.deliver(r, body, received)
	default:
		return h.forward.send(r, body, leader, h.election.Name(), key)
	}
}

// deliver verifies a delivery and passes its notification on.
func (h *handler) deliver(r *http.Request, body []byte, received time.Time) result {
	source, known := sourceOf(r.URL.Path)
	complete := h.sources.Complete() // first: a Secret may be read between these two calls
	secret, ok := h.sources.Secret(source)
	if !known || !ok {
		secret = h.unknownKey
	}
	switch genuine := verified(r.Header.Values(headerSignature), body, secret) && known && ok; {
	case !genuine && !complete: // whatever the path: nobody learns which sources there are
		return unavailable
	case !genuine:
		return unauthorized
	}
	event, err := parseEvent(body)
	if err != nil {
		return malformed
	}
	if age := received.Sub(event.signed); age.Abs() > freshness {
		h.sources.Stale(source, age)
		return stale
	}
	if !event.aboutTask() {
		return ignored
	}
	if h.seen.has(source, event.attempt(), received) {
		return repeated
	}
	notification := Notification{Source: source, TaskID: event.taskID, UpdatedAt: event.updatedAt(), Received: received}
	if err := h.sources.Notify(notification); err != nil {
		return unavailable
	}
	h.seen.add(source, event.attempt(), received)
	return accepted
}

// sourceOf returns the source that a path names.
func sourceOf(path string) (Source, bool) {
	rest, ok := strings.CutPrefix(path, pathPrefix)
	namespace, name, found := strings.Cut(rest, "/")
	if !ok || !found || namespace == "" || name == "" || strings.Contains(name, "/") {
		return Source{}, false
	}
	return Source{Namespace: namespace, Name: name}, true
}
