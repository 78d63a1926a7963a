// SPDX-License-Identifier: Apache-2.0

package apps

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// proxy stands between a program and the API server, and can cut it off.
type proxy struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	away bool
	open []net.Conn
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	g := NewWithT(t)
	target, err := url.Parse(server)
	g.Expect(err).NotTo(HaveOccurred())
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	p := &proxy{listener: listener, target: target.Host}
	go p.serve()
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut(true)
	})
	return p
}

func (p *proxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target) //nolint:noctx // ends with the test
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.open = append(p.open, in, out)
		if p.away {
			p.closeAll()
		}
		p.mu.Unlock()
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			go func() {
				_, _ = io.Copy(way[0], way[1])
				_ = way[0].Close()
			}()
		}
	}
}

// cut breaks all connections; away says whether new ones break as well.
func (p *proxy) cut(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
	p.closeAll()
}

func (p *proxy) closeAll() {
	for _, conn := range p.open {
		_ = conn.Close()
	}
	p.open = nil
}

// A program whose connection breaks goes on by itself: it misses nothing, and repeats nothing.
func testLostConnections(w *world) {
	p := newProxy(w.t, cluster.Config().Host)
	w.via("https://" + p.listener.Addr().String())
	timedOut := v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseFailed, ErrorMessage: "It timed out"}
	w.task("old", "", timedOut)
	program := w.start("failures")
	w.Eventually(program, soon).Should(gbytes.Say(`old \(upload\): It timed out\n`))
	for _, id := range []string{"first", "second"} {
		p.cut(true)
		w.task(id, "", timedOut)
		p.cut(false)
		w.Eventually(program, soon).Should(gbytes.Say(id + ` \(upload\): It timed out\n`))
	}
	w.Expect(bytes.Count(program.output.Contents(), []byte("It timed out"))).To(Equal(3))
}
