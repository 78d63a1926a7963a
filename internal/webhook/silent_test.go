// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// silent opens connections to an address that say no more than this, from as many addresses of loopback as there are hosts.
func silent(t *testing.T, to string, count, hosts int, say string) {
	t.Helper()
	g := NewWithT(t)
	var group sync.WaitGroup
	opened := make(chan net.Conn, count)
	for worker := range 16 {
		group.Go(func() {
			for n := worker; n < count; n += 16 {
				host := n % hosts
				dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(host>>8), byte(host+1))}, Timeout: soon}
				conn, err := dialer.DialContext(t.Context(), "tcp", to)
				if err != nil {
					continue // refused for now, which leaves the more room
				}
				_, _ = conn.Write([]byte(say))
				opened <- conn
			}
		})
	}
	group.Wait()
	close(opened)
	g.Expect(len(opened)).To(BeNumerically(">", count*9/10))
	for conn := range opened {
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// TestGenuineBesideSilent: whoever holds however many connections open and says nothing, or not all, from one address or from many, a
// genuine delivery does not wait until silent connections are given up, also from an address of theirs. They are given up only when the
// client of the delivery has gone: other work on the machine does not decide.
func TestGenuineBesideSilent(t *testing.T) {
	const head = "POST " + testPath + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct {
		hosts int
		say   string
	}{
		"one address":             {1, ""},
		"a few addresses":         {17, ""},
		"many addresses":          {250, ""},
		"half a head":             {100, head},
		"a head without a body":   {100, head + "Content-Length: 1000\r\n\r\n"},
		"a head, and one address": {1, head + "Content-Length: 1000000\r\n\r\n{"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveFor(t, 4*soon)
			silent(t, s.address, 3500, c.hosts, c.say)
			slowest := time.Duration(0)
			for n := range 20 {
				client := from(n % 2 * 5000) // of theirs, and not
				began := time.Now()
				s.Expect(s.post(client, signed(fmt.Sprint(name, n), "t", time.Now()))).To(Equal(http.StatusAccepted))
				slowest = max(slowest, time.Since(began))
			}
			t.Logf("the slowest took %v", slowest)
		})
	}
}
