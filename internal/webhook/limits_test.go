// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/internal/connections"
)

// TestWhoFailsOftenHasToWait: before anything of a request is read, and only who failed.
func TestWhoFailsOftenHasToWait(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	b.handler.now = func() time.Time { return now }
	forged := signed("e", "t", now)
	forged.signature = ""
	for range failBurst {
		b.Expect(b.send(forged).Code).To(Equal(http.StatusUnauthorized))
	}
	asked := b.asked
	genuine := signed("e", "t", now)
	answer := b.send(genuine)
	b.Expect(answer.Code).To(Equal(http.StatusServiceUnavailable))
	b.Expect(answer.Header().Get("Retry-After")).NotTo(BeEmpty())
	b.Expect(b.asked).To(Equal(asked), "a secret was looked up")
	b.Expect(b.count(limited)).To(Equal(1.0))

	genuine.from = "192.0.2.2:1"
	b.Expect(b.send(genuine).Code).To(Equal(http.StatusAccepted), "another sender")
	now = now.Add(time.Second)
	genuine = signed("e2", "t", now)
	b.Expect(b.send(genuine).Code).To(Equal(http.StatusAccepted), "a second later")
	for n := range 10 * failBurst {
		b.Expect(b.send(signed(fmt.Sprint("g", n), "t", now)).Code).To(Equal(http.StatusAccepted), "who does not fail is not limited")
	}
}

// TestWhatIsRememberedIsBounded, however many senders there are, and however many events.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	g := NewWithT(t)
	l, s, now := newLimits(failRate, failBurst), newSeen(), time.Now()
	source := Source{Namespace: "a", Name: "b"}
	for n := range 3 * maxSenders {
		l.failed(connections.Sender(fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255)), now)
		s.add(source, fmt.Sprint(n), now)
	}
	g.Expect(l.byAddr).To(HaveLen(maxSenders))
	g.Expect(l.recent.Len()).To(Equal(maxSenders))
	g.Expect(s.at).To(HaveLen(maxSeen))
	last := fmt.Sprint(3*maxSenders - 1)
	g.Expect(s.has(source, last, now)).To(BeTrue())
	g.Expect(s.has(source, last, now.Add(seenFor))).To(BeFalse())
	g.Expect(s.has(Source{Namespace: "a", Name: "c"}, last, now)).To(BeFalse())
	g.Expect(s.has(source, "0", now)).To(BeFalse(), "long forgotten")
	s.add(source, "", now)
	g.Expect(s.has(source, "", now)).To(BeFalse(), "an event without an ID")
}
