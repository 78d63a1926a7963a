// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestWhatIsKnownIsTakenBeforeAllIs: a genuine delivery waits for nobody else's Secret. Whatever is not is not refused for good, and the
// answer is the same for every path, until all sources are known.
func TestWhatIsKnownIsTakenBeforeAllIs(t *testing.T) {
	b := newBench(t)
	b.some = true
	for round := range 2 {
		b.Expect(b.send(signed("e"+string(rune('0'+round)), "t", time.Now())).Code).To(Equal(http.StatusAccepted))
		want := map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusUnauthorized}[b.some]
		var texts []string
		for _, spoil := range []func(*delivery){
			func(d *delivery) { d.path = "/hooks/media/another" },
			func(d *delivery) { d.path = "/hooks/elsewhere" },
			func(d *delivery) { d.signature = "t=1,v1=" + signature(d.body, "another secret") },
			func(d *delivery) { d.signature = "" },
		} {
			spoiled := signed("e", "t", time.Now())
			spoil(spoiled)
			answer := b.send(spoiled)
			b.Expect(answer.Code).To(Equal(want))
			texts = append(texts, answer.Body.String())
		}
		b.Expect(texts).To(HaveEach(texts[0]))
		b.some = false
	}
	b.Expect(b.notifications()).To(HaveLen(2))
	b.Expect(b.count(unauthorized)).To(BeEquivalentTo(4))
	b.Expect(b.count(unavailable)).To(BeEquivalentTo(4))

	b.some, b.arriving = true, true
	late := signed("late", "t", time.Now())
	late.path = "/hooks/media/another"
	b.Expect(b.send(late).Code).To(Equal(http.StatusServiceUnavailable), "its secret may be known a moment later")
}
