// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// someAuthorities returns so many bytes of them at most, in PEM.
func someAuthorities(t *testing.T, size int) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for n := int64(1); all.Len() < size-1000; n++ {
		one := &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: fmt.Sprint("authority ", n)}, IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, one, one, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		_ = pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Buffer takes all
	}
	return all.Bytes()
}

// openers open a source's connection to the API, or one to its sink. No two have a transport in common.
var openers = map[string]func(pool *Pool, n int, ca []byte) (http.RoundTripper, func(), error){
	"source": func(pool *Pool, n int, ca []byte) (http.RoundTripper, func(), error) {
		client, err := New(Config{
			BaseURL: "https://studio.example", Key: NewKey(testKey), CA: ca, Pool: pool, Timeout: time.Minute + time.Duration(n),
		})
		if err != nil {
			return nil, nil, err
		}
		return client.http.Transport, client.Close, nil
	},
	"sink": func(pool *Pool, _ int, ca []byte) (http.RoundTripper, func(), error) {
		transport, err := pool.NewTransport(&url.URL{Scheme: "https", Host: "sink.example"}, Hosts{}, ca, time.Minute)
		if err != nil {
			return nil, nil, err
		}
		return transport, transport.CloseIdleConnections, nil
	},
}

// Hundreds of sources may name one Secret: what is made of its ca.crt is in memory once, for their APIs and their sinks.
func TestManySourcesWithTheSameAuthorities(t *testing.T) {
	const many, each = 100, 16 << 10
	inUse := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	pool, ca := NewPool(), someAuthorities(t, maxCA)
	_, release, err := openers["source"](pool, many, ca)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for what, open := range openers {
		before := inUse()
		var transports []http.RoundTripper
		for n := range many {
			transport, release, err := open(pool, n, bytes.Clone(ca))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(release)
			transports = append(transports, transport)
		}
		if further := (inUse() - before) / many; further > each {
			t.Errorf("each further %s takes %d KiB, want %d at most", what, further>>10, each>>10)
		}
		runtime.KeepAlive(transports)
	}
	runtime.KeepAlive(ca)
}

// Sources that open at once, with one content, end with one pool of certificates.
func TestAuthoritiesThatAreOpenedAtOnce(t *testing.T) {
	pool, ca := NewPool(), someAuthorities(t, 32<<10)
	var opened sync.WaitGroup
	var mu sync.Mutex
	different := map[*x509.CertPool]bool{}
	for _, open := range openers {
		for n := range 8 {
			opened.Go(func() {
				transport, _, err := open(pool, n, ca)
				made, ok := transport.(*http.Transport)
				if err != nil || !ok {
					t.Errorf("%T, %v", transport, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				different[made.TLSClientConfig.RootCAs] = true
			})
		}
	}
	opened.Wait()
	if len(different) != 1 {
		t.Errorf("one content is in memory %d times", len(different))
	}
}

// What a Secret held before goes with the last connection that trusts it.
func TestAuthoritiesNoLongerInUseAreForgotten(t *testing.T) {
	pool := NewPool()
	var last http.RoundTripper
	for n := range 20 {
		ca := someAuthorities(t, 2000) // others each time
		for _, open := range openers {
			transport, release, err := open(pool, n, ca)
			if err != nil {
				t.Fatal(err)
			}
			release()
			last = transport
		}
	}
	kept := func() int {
		runtime.GC()
		pool.authorities.mu.Lock()
		defer pool.authorities.mu.Unlock()
		return len(pool.authorities.pools)
	}
	NewWithT(t).Eventually(kept, time.Minute, time.Millisecond).Should(Equal(1), "of one that is in use")
	runtime.KeepAlive(last)
}

// All connecting goes through the lock of the pool: nobody waits there for another's certificates to be parsed.
func TestAuthoritiesAreParsedWithoutTheLock(t *testing.T) {
	g, pool, ca := NewWithT(t), NewPool(), someAuthorities(t, 2000)
	opened := make(chan error, 1)
	parsed := func() bool {
		pool.authorities.mu.Lock()
		defer pool.authorities.mu.Unlock()
		return len(pool.authorities.pools) == 1
	}
	pool.mu.Lock()
	go func() {
		_, _, err := openers["source"](pool, 0, ca)
		opened <- err
	}()
	g.Eventually(parsed, time.Minute, time.Millisecond).Should(BeTrue())
	pool.mu.Unlock()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}
