// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// votes is an election whose outcome a test decides. All replicas whose names begin alike know each other.
type votes struct {
	name    string
	leading atomic.Bool
	leader  atomic.Value // its name and its address
}

func (v *votes) Leading() bool { return v.leading.Load() }

func (v *votes) Name() string { return v.name }

func (v *votes) Leader() (netip.AddrPort, []byte, bool) {
	name, address, known := strings.Cut(fmt.Sprint(v.leader.Load()), " ")
	at, err := netip.ParseAddrPort(address)
	if !known || err != nil {
		return at, nil, false
	}
	key, _ := v.Key(name)
	return at, key, true
}

func (v *votes) Key(name string) ([]byte, bool) {
	if name == v.name || name[0] != v.name[0] {
		return []byte("a guess"), name[0] == 'x'
	}
	both := []string{name, v.name}
	slices.Sort(both)
	sum := sha256.Sum256([]byte(strings.Join(both, " ")))
	return sum[:], true
}

func (v *votes) lead(name, address string) { v.leader.Store(name + " " + address) }

// leading is a replica that leads, by this name.
func leading(name string) func(*Config) {
	return func(c *Config) {
		election := &votes{name: name}
		election.leading.Store(true)
		c.Election = election
	}
}

// follower is a receiver that hands on to the replica "r-leader" at this address.
func follower(t *testing.T, leader string, change ...func(*Config)) *bench {
	t.Helper()
	b := newBench(t)
	election := &votes{name: "r-follower"}
	election.lead("r-leader", leader)
	config := Config{Sources: b.sources, Election: election}
	for _, f := range change {
		f(&config)
	}
	b.handler = newHandler(&config, b.counter)
	return b
}

// TestAFollowerHandsOn: the answer is the leader's, and the follower itself asks nothing of its own sources.
func TestAFollowerHandsOn(t *testing.T) {
	leader := serve(t, leading("r-leader"))
	f := follower(t, leader.address)
	now := time.Now()
	f.handler.now = func() time.Time { return now } // limits go by passing time
	f.unwell = true                                 // as where nothing is followed
	sent := signed("e", "task-1", time.Now())
	f.Expect(f.send(sent).Code).To(Equal(http.StatusAccepted))
	f.Expect(leader.notifications()).To(HaveLen(1))
	f.Expect(f.send(sent).Code).To(Equal(http.StatusAccepted))
	f.Expect(leader.notifications()).To(HaveLen(1), "it knows the event, whoever brings it")
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

	second := &votes{name: "r-leader"}
	another := serve(t, func(c *Config) { c.Election = second })
	second.lead("r-other", another.address) // itself, as after an election that it has not noticed
	f = follower(t, another.address)
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusServiceUnavailable))
	f.Expect(another.count(unavailable)).To(Equal(1.0))
	f.Expect(another.count(forwardedAccepted)).To(BeZero(), "it went in a circle")
	second.leading.Store(true)
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusAccepted))
}

// TestOnlyReplicasForward: to claim to be one gains nothing, neither with the leader nor with a follower, nor does an answer
// that is not the leader's count.
func TestOnlyReplicasForward(t *testing.T) {
	leader := serve(t, leading("r-leader"))
	now := time.Now()
	leader.handler.now = func() time.Time { return now }
	f := follower(t, leader.address)
	genuine := signed("e", "task-1", now)
	claims := map[string]string{
		"the old header": "1", "empty": "", "not all": "r-follower 1",
		"a guess":         newSeal([]byte("a guess"), "r-follower", now, testPath, []string{genuine.signature}, []byte(genuine.body)).header(),
		"a stranger":      newSeal([]byte("a guess"), "stranger", now, testPath, []string{genuine.signature}, []byte(genuine.body)).header(),
		"the leader's":    newSeal([]byte("a guess"), "r-leader", now, testPath, []string{genuine.signature}, []byte(genuine.body)).header(),
		"another's, long": strings.Repeat("a ", 3000),
	}
	for what, claim := range claims {
		d := signed(what, "task-1", now)
		d.header.Set(headerForwarded, claim)
		f.Expect(f.send(d).Code).To(Equal(http.StatusAccepted), "handed on as any other: %s", what)
		f.Expect(leader.send(d).Header()).NotTo(HaveKey(headerForwarded), what)
	}
	f.Expect(leader.notifications()).To(HaveLen(len(claims)))

	key, _ := leader.handler.election.Key("r-follower")
	seal := func(at time.Time, d *delivery, body string) {
		d.header.Set(headerForwarded, newSeal(key, "r-follower", at, testPath, []string{d.signature}, []byte(body)).header())
	}
	replayed := signed("replayed", "t", now)
	seal(now, replayed, replayed.body+" ")
	f.Expect(leader.send(replayed).Code).To(Equal(http.StatusUnauthorized), "sealed for another body")
	seal(now.Add(-2*freshness), replayed, replayed.body)
	f.Expect(leader.send(replayed).Header()).NotTo(HaveKey(headerForwarded), "sealed long ago")
	moved := signed("moved", "t", now)
	seal(now, moved, moved.body)
	moved.path = "/hooks/media/other"
	f.Expect(leader.send(moved).Header()).NotTo(HaveKey(headerForwarded), "sealed for another path")

	forged := signed("e2", "t", now)
	forged.signature, forged.from = "v1=00", "192.0.2.77:1"
	forged.header.Set(headerForwarded, claims["a guess"])
	for range failBurst {
		f.Expect(leader.send(forged).Code).To(Equal(http.StatusUnauthorized))
	}
	f.Expect(leader.send(forged).Code).To(Equal(http.StatusServiceUnavailable), "limited as any other")

	stranger := serve(t, leading("x-leader")) // who answers at the leader's address, and does not know its key
	f = follower(t, stranger.address)
	f.Expect(f.send(signed("e3", "t", now)).Code).To(Equal(http.StatusServiceUnavailable))
}

// TestFollowersPinTheCertificate: over TLS, a leader is who has the certificate that this replica has.
func TestFollowersPinTheCertificate(t *testing.T) {
	mine, other := newCertificate(t), newCertificate(t)
	serving := func(certificate *tls.Certificate) func(*Config) {
		return func(c *Config) {
			c.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil }
		}
	}
	leader := serve(t, leading("r-leader"), serving(mine))
	f := follower(t, leader.address, serving(other))
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusServiceUnavailable))
	f.Expect(leader.notifications()).To(BeEmpty())
	f = follower(t, leader.address, serving(mine))
	f.Expect(f.send(signed("e", "t", time.Now())).Code).To(Equal(http.StatusAccepted))
	f.Expect(leader.notifications()).To(HaveLen(1))
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
