// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/livepeer/livepeer-task-operator/hack/freeport"
)

const soon = 4 * time.Minute

// served is a receiver that listens.
type served struct {
	*bench
	address string
	stop    func()
}

func serve(t *testing.T, change ...func(*Config)) *served {
	t.Helper()
	return serveFor(t, 0, change...)
}

// serveFor gives requests this long to arrive, if it is not 0.
func serveFor(t *testing.T, reading time.Duration, change ...func(*Config)) *served {
	t.Helper()
	b := newBench(t)
	s := &served{bench: b, address: freeAddress(t)}
	config := Config{Address: s.address, Sources: b.sources, Metrics: prometheus.NewRegistry()}
	for _, f := range change {
		f(&config)
	}
	server, err := New(config)
	b.Expect(err).NotTo(HaveOccurred())
	b.handler, b.counter = server.handler, server.handler.counter
	if reading > 0 {
		server.server.ReadHeaderTimeout, server.server.ReadTimeout, server.server.WriteTimeout = reading, reading, reading
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Start(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		b.Eventually(ended, soon).Should(Receive(BeNil()))
	})
	t.Cleanup(s.stop)
	b.Eventually(func() error {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address)
		if err == nil {
			connection.Close()
		}
		return err
	}, soon).Should(Succeed())
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address(t.Context())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return address
}

// from is a client with an address of its own on loopback.
func from(n int) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}, Timeout: time.Minute}
}

// post sends a delivery over the network, and answers the status; 0 where there was none.
func (s *served) post(client *http.Client, d *delivery) int {
	request, err := http.NewRequest(d.method, "http://"+s.address+d.path, strings.NewReader(d.body)) //nolint:noctx // It has a time-out.
	if err != nil {
		return 0
	}
	request.Header = d.header.Clone()
	request.Header.Set("Content-Type", d.contentType)
	request.Header.Set(headerSignature, d.signature)
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// bad is the nth of many requests that must come to nothing.
func bad(n int, genuine *delivery) *delivery {
	d := signed(fmt.Sprint("e", n), fmt.Sprint("t", n), time.Now())
	switch n % 8 {
	case 0: // replayed
		return genuine
	case 1: // stale
		return signed(fmt.Sprint("e", n), "t", time.Now().Add(-time.Hour))
	case 2: // forged
		d.signature = "t=1,v1=" + signature(d.body, fmt.Sprint("guess", n))
	case 3: // for a source that does not exist
		d.path = fmt.Sprint("/hooks/media/", n)
	case 4: // malformed
		d.body = d.body[:len(d.body)/2]
	case 5:
		d.contentType = "text/html"
	case 6: // of 60 KB; a few of more than 1 MiB
		if d.body = strings.Repeat("x", 60<<10); n%400 == 6 {
			d.body = strings.Repeat("x", maxBody+1)
		}
	case 7:
		d.method, d.body = http.MethodPut, ""
	}
	return d
}

// TestAFloodComesToNothing: no notification follows, memory stays, and what is genuine is taken in meanwhile.
func TestAFloodComesToNothing(t *testing.T) {
	s := serve(t)
	genuine := signed("genuine", "task-1", time.Now())
	s.Expect(s.post(from(1), genuine)).To(Equal(http.StatusAccepted))
	before := heap()
	const senders = 25
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			client := from(sender + 2)
			defer client.CloseIdleConnections()
			for n := sender; n < floods; n += senders {
				s.post(client, bad(n, genuine))
			}
		})
	}
	other := from(1000)
	for n := range 20 {
		s.Expect(s.post(other, signed(fmt.Sprint("g", n), "task-2", time.Now()))).To(Equal(http.StatusAccepted))
	}
	group.Wait()
	s.Expect(s.notifications()).To(HaveLen(21))
	answered := 0.0
	for _, r := range []result{repeated, stale, unauthorized, malformed, tooLarge, limited, unavailable} {
		t.Logf("%s: %.0f", r, s.count(r))
		answered += s.count(r)
	}
	s.Expect(answered).To(BeNumerically(">=", 0.99*floods), "the flood did not arrive")
	s.Eventually(heap, soon, time.Second).Should(BeNumerically("<", before+8<<20))
}

// TestSlowSendersHoldLittle: those who send a byte and wait are cut off, and hinder nobody.
func TestSlowSendersHoldLittle(t *testing.T) {
	s := serve(t)
	before := heap()
	var slow []net.Conn
	for range maxConnections * 3 / 4 {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address)
		s.Expect(err).NotTo(HaveOccurred())
		t.Cleanup(func() { _ = connection.Close() })
		_, err = fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{", testPath)
		s.Expect(err).NotTo(HaveOccurred())
		slow = append(slow, connection)
	}
	s.Expect(s.post(from(1), signed("e", "t", time.Now()))).To(Equal(http.StatusAccepted))
	s.Expect(heap()).To(BeNumerically("<", before+32<<20))
	for _, connection := range slow {
		s.Expect(connection.SetReadDeadline(time.Now().Add(soon))).To(Succeed())
		_, _ = io.Copy(io.Discard, connection) // ends when it is cut off
	}
	s.Expect(s.count(malformed)).To(BeNumerically(">", 0))
	s.Expect(s.notifications()).To(HaveLen(1))
}

// TestWhoHoldsMostRoomMakesRoom: one address, or several, send large bodies up to the middle, and then nothing: there is no room left.
// Others' larger bodies are taken nevertheless.
func TestWhoHoldsMostRoomMakesRoom(t *testing.T) {
	const head = "POST " + testPath + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
	sizes := append(slices.Repeat([]int{600 << 10}, 7), 100<<10, 100<<10, 30<<10, 30<<10) // these leave no room
	for name, hosts := range map[string]int{"one": 1, "several": len(sizes)} {
		t.Run(name, func(t *testing.T) {
			s := serveFor(t, 4*soon)
			for n, size := range sizes {
				dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 2, 0, byte(1+n%hosts))}, Timeout: soon}
				conn, err := dialer.DialContext(t.Context(), "tcp", s.address)
				s.Expect(err).NotTo(HaveOccurred())
				t.Cleanup(func() { _ = conn.Close() })
				go func() { _, _ = conn.Write([]byte(head + strings.Repeat(" ", size))) }()
			}
			s.Eventually(s.room, soon).Should(BeNumerically("<", 4*firstBody))
			for n, size := range []int{10 << 10, 300 << 10} {
				d := signedBody(signed(fmt.Sprint("e", n), "t", time.Now()).body + strings.Repeat(" ", size))
				s.Expect(s.post(from(1), d)).To(Equal(http.StatusAccepted), "%d bytes", size)
			}
			s.Expect(s.count(malformed)).To(BeZero(), "who makes room has not failed")
		})
	}
}

// room is how many bytes of larger bodies the receiver has room for.
func (s *served) room() int {
	s.handler.bodies.mu.Lock()
	defer s.handler.bodies.mu.Unlock()
	return s.handler.bodies.room
}

// TestBodiesAreBounded: what is announced costs nothing, and all bodies together stay within the bound.
func TestBodiesAreBounded(t *testing.T) {
	g := NewWithT(t)
	b := newBodies()
	var frees []func()
	for {
		_, free, err := b.read(strings.NewReader(strings.Repeat("x", maxBody)), netip.Prefix{}, nil)
		frees = append(frees, free)
		if err != nil {
			g.Expect(err).To(MatchError(errNoRoom))
			break
		}
	}
	g.Expect(len(frees)).To(BeNumerically(">", 4))
	for _, free := range frees {
		free()
	}
	body, free, err := b.read(strings.NewReader(strings.Repeat("x", maxBody)), netip.Prefix{}, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(body).To(HaveLen(maxBody))
	free()
	_, free, err = b.read(strings.NewReader(strings.Repeat("x", maxBody+1)), netip.Prefix{}, nil)
	g.Expect(err).To(MatchError(errTooLarge))
	free()
	_, free, err = b.read(io.MultiReader(strings.NewReader("x"), brokenReader{}), netip.Prefix{}, nil)
	g.Expect(err).To(MatchError(io.ErrUnexpectedEOF))
	free()
	g.Expect(b.room).To(Equal(maxBodies), "all room is free again")
	g.Expect(b.arriving).To(BeEmpty())
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// heap is what is in use, after a collection.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
