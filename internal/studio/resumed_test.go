// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestSessionsOfLargeCertificatesAreNotKept: a server decides how large its certificate is, and a source at rest keeps no more than 32 KiB of it.
func TestSessionsOfLargeCertificatesAreNotKept(t *testing.T) {
	for name, c := range map[string]struct {
		junk    int
		resumed bool
	}{"ordinary": {0, true}, "large": {maxSession, false}} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			g.Expect(err).NotTo(HaveOccurred())
			certificate := &x509.Certificate{
				SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "it"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
				BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
				ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: bytes.Repeat([]byte{1}, c.junk)}},
			}
			der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, &key.PublicKey, key)
			g.Expect(err).NotTo(HaveOccurred())
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			t.Cleanup(server.Close)
			base, err := url.Parse(server.URL)
			g.Expect(err).NotTo(HaveOccurred())
			hosts, err := ParseHosts("127.0.0.1")
			g.Expect(err).NotTo(HaveOccurred())
			ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
			transport, err := NewPool().NewTransport(base, hosts, ca, time.Minute)
			g.Expect(err).NotTo(HaveOccurred())
			resumed := false
			for range 3 {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
				g.Expect(err).NotTo(HaveOccurred())
				answer, err := (&http.Client{Transport: transport}).Do(request)
				g.Expect(err).NotTo(HaveOccurred())
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				resumed = answer.TLS.DidResume
				transport.CloseIdleConnections()
			}
			g.Expect(resumed).To(Equal(c.resumed))
		})
	}
}
