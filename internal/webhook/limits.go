// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// How often a sender may fail: per second, and at once. Behind an Ingress, all senders are one.
	failRate  = 20
	failBurst = 100
	// relayedFactor is how much more often another replica may fail, since it forwards for all of its senders.
	relayedFactor = 10
	// maxSenders bounds the senders whose failures are remembered: the latest ones.
	maxSenders = 4096
)

// limits remember how often senders have failed.
type limits struct {
	rate  rate.Limit
	burst int

	mu     sync.Mutex
	recent *list.List // of *failing, the last one that failed first
	byAddr map[netip.Prefix]*list.Element
}

type failing struct {
	sender  netip.Prefix
	limiter *rate.Limiter
}

func newLimits(perSecond rate.Limit, burst int) *limits {
	return &limits{rate: perSecond, burst: burst, recent: list.New(), byAddr: map[netip.Prefix]*list.Element{}}
}

// blocked reports whether a sender has failed too often.
func (l *limits) blocked(sender netip.Prefix, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.byAddr[sender]
	return ok && limiterOf(known).TokensAt(now) < 1
}

// failed notes that a sender has failed once more.
func (l *limits) failed(sender netip.Prefix, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.byAddr[sender]
	if !ok {
		known = l.recent.PushFront(&failing{sender: sender, limiter: rate.NewLimiter(l.rate, l.burst)})
		l.byAddr[sender] = known
	}
	l.recent.MoveToFront(known)
	limiterOf(known).AllowN(now, 1)
	if l.recent.Len() > maxSenders {
		if last, ok := l.recent.Remove(l.recent.Back()).(*failing); ok {
			delete(l.byAddr, last.sender)
		}
	}
}

func limiterOf(element *list.Element) *rate.Limiter {
	return element.Value.(*failing).limiter //nolint:errcheck,forcetypeassert // Only these are put in.
}
