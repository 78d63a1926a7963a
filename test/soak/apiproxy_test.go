// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// upstream is an API server that counts writes, and whose watches send one event and stay open.
type upstream struct {
	writes atomic.Int64
	token  atomic.Value
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.token.Store(r.Header.Get("Authorization"))
	if mutates(r.Method) {
		body, _ := io.ReadAll(r.Body)
		u.writes.Add(1)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
		return
	}
	_, _ = io.WriteString(w, "event\n")
	if kindOf(r) == watching {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

func startBoth(t *testing.T) (*upstream, *apiProxy, *http.Client) {
	t.Helper()
	g := NewWithT(t)
	up := &upstream{}
	server := httptest.NewTLSServer(up)
	t.Cleanup(server.Close)
	trusted := (&apiProxy{server: server}).config(&rest.Config{BearerToken: "the-token"})
	report := newReport(t.Output())
	proxy, err := startAPIProxy("a", trusted, 1, &ledger{report: report, log: io.Discard}, report)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(proxy.stop)
	proxy.serve("a#1")
	client, err := rest.HTTPClientFor(proxy.config(trusted))
	g.Expect(err).NotTo(HaveOccurred())
	return up, proxy, client
}

const tasksPath = "/apis/studio.livepeer.org/v1alpha1/namespaces/media/livepeertasks"

func send(ctx context.Context, client *http.Client, method, url, body string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(said), err
}

func TestProxyPassesOn(t *testing.T) {
	g := NewWithT(t)
	up, proxy, client := startBoth(t)

	status, said, err := send(t.Context(), client, http.MethodPost, proxy.server.URL+tasksPath, "made")

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status).To(Equal(http.StatusCreated))
	g.Expect(said).To(Equal("made"))
	g.Expect(up.token.Load()).To(Equal("Bearer the-token"))
	g.Expect(proxy.report.get(writes)).To(Equal(1))
}

// A watch must show what comes at once, and end when the replica is cut off.
func TestProxyStreamsWatches(t *testing.T) {
	g := NewWithT(t)
	_, proxy, client := startBoth(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy.server.URL+tasksPath+"?watch=true", http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	answer, err := client.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	defer answer.Body.Close()
	event := make([]byte, 6)
	_, err = io.ReadFull(answer.Body, event)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(event)).To(Equal("event\n"))

	proxy.reach(isolated)

	_, err = io.ReadAll(answer.Body)
	g.Expect(err).To(HaveOccurred())
	_, _, err = send(t.Context(), client, http.MethodGet, proxy.server.URL+tasksPath, "")
	g.Expect(err).To(HaveOccurred())
}

func TestProxyKeepsOnlyLeasesOutOfReach(t *testing.T) {
	g := NewWithT(t)
	_, proxy, client := startBoth(t)
	proxy.reach(withoutLeases)

	_, _, err := send(t.Context(), client, http.MethodPut, proxy.server.URL+"/apis/coordination.k8s.io/v1/namespaces/x/leases/y", "")
	g.Expect(err).To(HaveOccurred())
	_, _, err = send(t.Context(), client, http.MethodPut, proxy.server.URL+tasksPath+"/x", "")
	g.Expect(err).NotTo(HaveOccurred())
}

// What the API server has carried out may look, to the operator, as if it had not, and never the other way round.
func TestProxyFaults(t *testing.T) {
	g := NewWithT(t)
	up, proxy, client := startBoth(t)
	proxy.disturb(1)
	lost := 0
	for range 80 {
		before := up.writes.Load()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		status, _, err := send(ctx, client, http.MethodPut, proxy.server.URL+tasksPath+"/x", "")
		cancel()
		done := up.writes.Load() - before
		switch {
		case err != nil:
			lost += int(done)
		case status == http.StatusCreated:
			g.Expect(done).To(BeEquivalentTo(1))
		default:
			g.Expect(done).To(BeZero(), "status %d", status)
		}
	}
	g.Expect(lost).To(BeNumerically(">", 3))
	g.Expect(sum(proxy.report.faults["API server"])).To(Equal(80))
}

func TestEveryFaultIsChosen(t *testing.T) {
	g := NewWithT(t)
	r := rand.New(rand.NewPCG(1, 1))
	seen := map[string]bool{}
	lag := livepeertest.NewServer().Snapshot()
	for range 1000 {
		seen[chooseAPIFault(r, writing, http.MethodPut).name] = true
		seen[chooseAPIFault(r, watching, http.MethodGet).name] = true
		read := chooseAPIFault(r, reading, http.MethodGet)
		g.Expect(read.lose || read.status == http.StatusConflict).To(BeFalse(), read.name)
		seen[chooseStudioFault(r, true, lag).name] = true
		one := chooseStudioFault(r, false, lag)
		g.Expect(one.From).To(BeNil(), "only lists come from a replica: about one task it would say that it never was")
	}
	for _, name := range []string{
		"409", "429", "429 with Retry-After", "500", "503", "504", "reset before", "answer lost", "slow", "watch cut", "watch expired",
		"401", "502", "truncated", "reset", "hangs", "empty list", "lagging replica", "short list",
	} {
		g.Expect(seen).To(HaveKey(name))
	}
}
