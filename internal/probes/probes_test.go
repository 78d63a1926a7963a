// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/livepeer/livepeer-task-operator/hack/freeport"
)

const soon = 2 * time.Minute

// stub is a manager that only takes what is added to it.
type stub struct {
	ctrl.Manager

	added []manager.Runnable
}

func (s *stub) Add(runnable manager.Runnable) error {
	s.added = append(s.added, runnable)
	return nil
}

// serve serves probes with these checks of readiness, and returns their address.
func serve(t *testing.T, ready ...healthz.Checker) string {
	t.Helper()
	g := NewWithT(t)
	address, err := freeport.Address(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	s := &stub{}
	mgr, err := Serve(t.Context(), s, address)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.added).To(HaveLen(1))
	for n, check := range ready {
		g.Expect(mgr.AddReadyzCheck(fmt.Sprint(n), check)).To(Succeed())
	}
	g.Expect(mgr.AddHealthzCheck("ping", healthz.Ping)).To(Succeed())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.added[0].Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		g.Eventually(ended, soon).Should(Receive(BeNil()))
	})
	return address
}

func ask(t *testing.T, address, path string) (status int, said string) {
	t.Helper()
	g := NewWithT(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: soon}
	response, err := client.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	g.Expect(err).NotTo(HaveOccurred())
	return response.StatusCode, string(text)
}

// TestProbes: each says what its checks say, as controller-runtime's do.
func TestProbes(t *testing.T) {
	g := NewWithT(t)
	var well atomic.Bool
	address := serve(t, func(*http.Request) error {
		if !well.Load() {
			return errors.New("not yet")
		}
		return nil
	}, healthz.Ping)
	is := func(path string) int { status, _ := ask(t, address, path); return status }
	g.Expect(is("/healthz")).To(Equal(http.StatusOK))
	g.Expect(is("/healthz/ping")).To(Equal(http.StatusOK))
	g.Expect(is("/readyz")).To(Equal(http.StatusInternalServerError))
	g.Expect(is("/readyz/1")).To(Equal(http.StatusOK))
	g.Expect(is("/")).To(Equal(http.StatusNotFound))
	well.Store(true)
	g.Expect(is("/readyz")).To(Equal(http.StatusOK))
	_, said := ask(t, address, "/readyz?verbose")
	g.Expect(said).To(ContainSubstring("[+]0 ok"))
}

// TestNoProbes: they can be turned off, and an address that is taken is an error at once.
func TestNoProbes(t *testing.T) {
	g := NewWithT(t)
	s := &stub{}
	mgr, err := Serve(t.Context(), s, "0")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.added).To(BeEmpty())
	g.Expect(mgr.AddReadyzCheck("x", healthz.Ping)).To(Succeed())
	_, err = Serve(t.Context(), s, serve(t))
	g.Expect(err).To(MatchError(ContainSubstring("health probes: ")))
}

// TestProbesBesideOthers: whoever opens many connections and sends headers that do not end neither fills the memory nor keeps a probe out.
func TestProbesBesideOthers(t *testing.T) {
	g := NewWithT(t)
	address := serve(t)
	var text strings.Builder
	_, _ = text.WriteString("GET /healthz HTTP/1.1\r\nHost: x\r\n")
	for n := 0; text.Len() < 1<<20; n++ {
		_, _ = fmt.Fprintf(&text, "%x:\r\n", n)
	}
	for _, size := range []int{0, maxHeader, 1 << 20} {
		before := heap()
		for range 3 * maxConnections {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			g.Expect(err).NotTo(HaveOccurred())
			defer conn.Close()
			go func() { _, _ = io.WriteString(conn, text.String()[:size]) }()
		}
		status, _ := ask(t, address, "/healthz")
		g.Expect(status).To(Equal(http.StatusOK))
		g.Expect(heap()).To(BeNumerically("<", before+40<<20))
	}
}

// heap is what is in use, after a collection.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
