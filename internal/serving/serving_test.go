// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"crypto/tls"
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

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/livepeer/livepeer-task-operator/hack/freeport"
)

const soon = 4 * time.Minute

// stub is a manager that only takes what is added to it.
type stub struct {
	ctrl.Manager

	added []manager.Runnable
}

func (*stub) GetConfig() *rest.Config { return &rest.Config{Host: "http://127.0.0.1:1"} }

func (*stub) GetHTTPClient() *http.Client { return http.DefaultClient }

func (*stub) GetLogger() logr.Logger { return logr.Discard() }

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
	mgr, err := Probes(t.Context(), s, address)
	g.Expect(err).NotTo(HaveOccurred())
	for n, check := range ready {
		g.Expect(mgr.AddReadyzCheck(fmt.Sprint(n), check)).To(Succeed())
	}
	g.Expect(mgr.AddHealthzCheck("ping", healthz.Ping)).To(Succeed())
	s.start(t)
	return address
}

// start starts the server that was added.
func (s *stub) start(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(s.added).To(HaveLen(1))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.added[0].Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		g.Eventually(ended, soon).Should(Receive(BeNil()))
	})
}

// TestMetrics: over TLS and HTTP/1.1, for those who may, or else for everybody.
func TestMetrics(t *testing.T) {
	for secure, want := range map[bool]int{true: http.StatusUnauthorized, false: http.StatusOK} {
		g := NewWithT(t)
		address, err := freeport.Address(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		s := &stub{}
		g.Expect(Metrics(t.Context(), s, &MetricsOptions{Address: address, Secure: secure})).To(Succeed())
		s.start(t)
		scheme := map[bool]string{true: "https", false: "http"}[secure]
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://"+address+"/metrics", http.NoBody)
		g.Expect(err).NotTo(HaveOccurred())
		client := &http.Client{Timeout: soon, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
		}}
		response, err := client.Do(request)
		g.Expect(err).NotTo(HaveOccurred())
		_ = response.Body.Close()
		g.Expect(response.StatusCode).To(Equal(want))
		g.Expect(response.Proto).To(Equal("HTTP/1.1"))
	}
}

// TestNoMetrics: they can be turned off, and a certificate that is not there is an error.
func TestNoMetrics(t *testing.T) {
	g := NewWithT(t)
	s := &stub{}
	g.Expect(Metrics(t.Context(), s, &MetricsOptions{Address: "0"})).To(Succeed())
	g.Expect(Metrics(t.Context(), s, &MetricsOptions{Address: "127.0.0.1:0", Secure: true, Certificate: "none", Key: "none"})).NotTo(Succeed())
	g.Expect(s.added).To(BeEmpty())
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
	mgr, err := Probes(t.Context(), s, "0")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.added).To(BeEmpty())
	g.Expect(mgr.AddReadyzCheck("x", healthz.Ping)).To(Succeed())
	_, err = Probes(t.Context(), s, serve(t))
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
			t.Cleanup(func() { _ = conn.Close() })
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

// TestSilentConnectionsEndNoRequest: a request that is being answered keeps its connection, and silent ones make room.
func TestSilentConnectionsEndNoRequest(t *testing.T) {
	for name, from := range map[string]func(n int) string{
		"of as many addresses": func(n int) string { return fmt.Sprintf("127.0.1.%d", n+1) },
		"of its own address":   func(int) string { return "127.0.0.1" },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			asked, goOn := make(chan struct{}), make(chan struct{})
			address := serve(t, func(*http.Request) error {
				close(asked)
				<-goOn
				return nil
			})
			answered, closed := make(chan error, 1), make(chan struct{})
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/readyz", http.NoBody)
			g.Expect(err).NotTo(HaveOccurred())
			go func() {
				client := &http.Client{Timeout: soon, Transport: &http.Transport{DisableKeepAlives: true}}
				response, err := client.Do(request)
				if err == nil {
					err = response.Body.Close()
				}
				answered <- err
			}()
			<-asked
			for n := range maxConnections {
				dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from(n))}}
				conn, err := dialer.DialContext(t.Context(), "tcp", address)
				g.Expect(err).NotTo(HaveOccurred())
				t.Cleanup(func() { _ = conn.Close() })
				if n == 0 {
					go func() {
						_, _ = conn.Read(make([]byte, 1))
						close(closed)
					}()
				}
			}
			select {
			case <-closed: // the oldest silent one
			case err := <-answered:
				close(goOn)
				t.Fatal("cut off", err)
			}
			close(goOn)
			g.Expect(<-answered).NotTo(HaveOccurred())
		})
	}
}
