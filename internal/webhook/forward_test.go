// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// votes is an election whose outcome a test decides.
type votes struct {
	leading atomic.Bool
	leader  atomic.Value
}

func (v *votes) Leading() bool { return v.leading.Load() }

func (v *votes) Leader() string {
	address, _ := v.leader.Load().(string)
	return address
}

// follower is a receiver that hands on to this address.
func follower(t *testing.T, leader string, change ...func(*Config)) *bench {
	t.Helper()
	b := newBench(t)
	election := &votes{}
	election.leader.Store(leader)
	config := Config{Sources: b.sources, Election: election}
	for _, f := range change {
		f(&config)
	}
	b.handler = newHandler(&config, b.counter)
	return b
}

// TestAFollowerHandsOn: the answer is the leader's, and the follower itself asks nothing of its own sources.
func TestAFollowerHandsOn(t *testing.T) {
	leader := serve(t)
	f := follower(t, leader.address)
	now := time.Now()
	f.handler.now = func() time.Time { return now } // limits go by passing time
	f.unwell = true                                 // as where nothing is followed
	f.Expect(f.send(signed("e", "task-1", time.Now())).Code).To(Equal(http.StatusAccepted))
	f.Expect(leader.hinted()).To(HaveLen(1))
	f.Expect(f.send(signed("e", "task-1", time.Now())).Code).To(Equal(http.StatusAccepted))
	f.Expect(leader.hinted()).To(HaveLen(1), "it knows the event, whoever brings it")
	odd := signed("e2", "t", time.Now())
	odd.path = "/hooks/media%2Fmain/../x"
	f.Expect(f.send(odd).Code).To(Equal(http.StatusUnauthorized))
	forged := signed("e2", "t", time.Now())
	forged.signature = "v1=00"
	for range failBurst - 1 {
		f.Expect(f.send(forged).Code).To(Equal(http.StatusUnauthorized))
		forged.body += " "
	}
	f.Expect(f.count(forwardedAccepted)).To(Equal(float64(failBurst + 2)))
	f.Expect(f.send(forged).Code).To(Equal(http.StatusServiceUnavailable), "a follower limits, too")
	f.Expect(f.count(limited)).To(Equal(1.0))
	f.Expect(f.asked).To(BeZero())

	other := signed("e3", "t", time.Now())
	other.from = "192.0.2.9:1"
	f.Expect(f.send(other).Code).To(Equal(http.StatusAccepted), "one bad sender does not shut out the others of a replica")
	leader.full = true
	other = signed("e4", "t", time.Now())
	other.from = "192.0.2.9:1"
	f.Expect(f.send(other).Code).To(Equal(http.StatusServiceUnavailable))
	leader.stop()
	f.Expect(f.send(other).Code).To(Equal(http.StatusServiceUnavailable), "the leader is gone")
}

// TestNoLeaderNoLoss: where nobody is known to lead, or one hands back, or somebody else has the address now, Studio is to
// try again.
func TestNoLeaderNoLoss(t *testing.T) {
	f := follower(t, "")
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusServiceUnavailable))

	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer stranger.Close()
	f = follower(t, strings.TrimPrefix(stranger.URL, "http://"))
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusServiceUnavailable))

	second := &votes{}
	another := serve(t, func(c *Config) { c.Election = second })
	second.leader.Store(another.address) // itself, as after an election that it has not noticed
	f = follower(t, another.address)
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusServiceUnavailable))
	f.Expect(another.count(unavailable)).To(Equal(1.0))
	f.Expect(another.count(forwardedAccepted)).To(BeZero(), "it went in a circle")
	second.leading.Store(true)
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusAccepted))
}

// TestFollowersPinTheCertificate: over TLS, a leader is who has the certificate that this replica has.
func TestFollowersPinTheCertificate(t *testing.T) {
	mine, other := newCertificate(t), newCertificate(t)
	serving := func(certificate *tls.Certificate) func(*Config) {
		return func(c *Config) {
			c.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil }
		}
	}
	leader := serve(t, serving(mine))
	f := follower(t, leader.address, serving(other))
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusServiceUnavailable))
	f.Expect(leader.hinted()).To(BeEmpty())
	f = follower(t, leader.address, serving(mine))
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusAccepted))
	f.Expect(leader.hinted()).To(HaveLen(1))
	f = follower(t, leader.address)
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusServiceUnavailable), "no plain HTTP beside TLS")
}

func newCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	g := NewWithT(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"hooks"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	g.Expect(err).NotTo(HaveOccurred())
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
