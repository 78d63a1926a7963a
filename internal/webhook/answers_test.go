// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/internal/connections"
)

// TestAnswers: what each result is answered by. All refusals of what was sent read the same.
func TestAnswers(t *testing.T) {
	g := NewWithT(t)
	for want, results := range map[int][]result{
		http.StatusAccepted:              {accepted, ignored, repeated, forwardedAccepted},
		http.StatusUnauthorized:          {unauthorized, stale, malformed, forwardedUnauthorized},
		http.StatusMethodNotAllowed:      {wrongMethod},
		http.StatusUnsupportedMediaType:  {wrongType},
		http.StatusRequestEntityTooLarge: {tooLarge, forwardedTooLarge},
		http.StatusServiceUnavailable:    {unreadable, limited, unavailable, forwardedUnavailable},
	} {
		for _, result := range results {
			answer := httptest.NewRecorder()
			result.answer(answer)
			g.Expect(answer.Code).To(Equal(want), string(result))
			fails := want == http.StatusUnauthorized || want == http.StatusRequestEntityTooLarge || result == unreadable
			g.Expect(result.failure()).To(Equal(fails), "%s is what only few may do often", result)
			header := answer.Header()
			g.Expect(header.Get("X-Content-Type-Options")).To(Equal("nosniff"))
			g.Expect(header.Get("Content-Type")).To(HavePrefix("text/plain"))
			g.Expect(header.Get("Allow") != "").To(Equal(want == http.StatusMethodNotAllowed), string(result))
			g.Expect(header.Get("Retry-After") != "").To(Equal(want == http.StatusServiceUnavailable), string(result))
			g.Expect(header.Get("Connection") == "close").To(Equal(want != http.StatusAccepted && want != http.StatusUnauthorized), string(result))
			g.Expect(strings.Contains(answer.Body.String(), "the signature, its time or the content is wrong")).
				To(Equal(want == http.StatusUnauthorized), string(result))
		}
	}
}

// TestRoomForBodiesComesBack: however many larger bodies have come, the next finds room. One that finds none may come again.
func TestRoomForBodiesComesBack(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	padding := strings.Repeat(" ", 256<<10)
	for n := range 2 * maxBodies / len(padding) {
		large := signedBody(signed(fmt.Sprint(n), "t", now).body + padding)
		b.Expect(b.send(large).Code).To(Equal(http.StatusAccepted), "delivery %d", n)
	}
	b.Expect(b.handler.bodies.room).To(Equal(maxBodies))
	b.handler.bodies.room = 0
	b.Expect(b.send(signedBody(signed("e", "t", now).body + padding)).Code).To(Equal(http.StatusServiceUnavailable))
}

// TestWhoIsNoReplica: a header of replicas counts for nothing where there are no others.
func TestWhoIsNoReplica(t *testing.T) {
	b := newBench(t)
	forged := signed("e", "t", time.Now())
	forged.header.Set(headerForwarded, fmt.Sprintf("other %d %s %s", time.Now().UnixMilli(), "body", "mac"))
	b.Expect(b.send(forged).Code).To(Equal(http.StatusAccepted))
}

// TestWhoGoesOnFailingIsNotForgotten, however many others fail meanwhile.
func TestWhoGoesOnFailingIsNotForgotten(t *testing.T) {
	g := NewWithT(t)
	l, now := newLimits(failRate, failBurst), time.Now()
	busy := connections.Sender("192.0.2.1:1")
	for n := range 2 * maxSenders {
		l.failed(busy, now)
		l.failed(connections.Sender(fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255)), now)
	}
	g.Expect(l.blocked(busy, now)).To(BeTrue())
	g.Expect(l.byAddr).To(HaveLen(maxSenders))
}
