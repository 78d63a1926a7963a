// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testMetrics: metrics are for those whom Kubernetes knows and permits, over HTTP/1.1 with TLS, and with the certificate
// that is in the folder at that time. The tokens that they send are not logged, however much is.
func (b *bench) testMetrics(t *testing.T) {
	g := NewWithT(t)
	certificates := t.TempDir()
	roots := issue(t, certificates, 1)
	address := freeAddress(t)
	printed, stop := b.start(t, "--metrics-bind-address="+address, "--metrics-cert-path="+certificates, "--metrics-cert-name=crt.pem",
		"--metrics-cert-key=key.pem", "--zap-log-level=127")
	url := "https://" + address + "/metrics"

	permitted, stranger := b.token(t, "prometheus", true), b.token(t, "stranger", false)
	g.Eventually(func() int { return get(t.Context(), roots, url, permitted).status }, soon).Should(Equal(http.StatusOK))
	answer := get(t.Context(), roots, url, permitted)
	g.Expect(answer.body).To(ContainSubstring("certwatcher_read_certificate_total"))
	g.Expect(answer.protocol).To(Equal("HTTP/1.1"), "HTTP/2 was offered")
	g.Expect(answer.serial).To(Equal(int64(1)))

	for name, token := range map[string]string{"nobody": "", "a stranger": stranger, "a liar": "x" + permitted} {
		answer := get(t.Context(), roots, url, token)
		g.Expect(answer.status).To(BeNumerically(">=", http.StatusUnauthorized), name)
		g.Expect(answer.body).NotTo(ContainSubstring("certwatcher"), name)
	}
	g.Expect(get(t.Context(), roots, "http://"+address+"/metrics", permitted).status).NotTo(Equal(http.StatusOK), "plain http")

	roots = issue(t, certificates, 2)
	g.Eventually(func() int64 { return get(t.Context(), roots, url, permitted).serial }, soon).Should(Equal(int64(2)))

	stop()
	g.Expect(printed.String()).To(ContainSubstring("Request Body"), "not at its most verbose")
	for _, token := range []string{permitted, stranger} {
		g.Expect(strings.Contains(printed.String(), token)).To(BeFalse(), "a token is printed")
	}
}

// answer is what came back; all zero where nothing did.
type answer struct {
	status         int
	protocol, body string
	serial         int64 // of the certificate
}

// get offers HTTP/2.
func get(ctx context.Context, roots *x509.CertPool, url, token string) answer {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return answer{}
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return answer{}
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	got := answer{status: response.StatusCode, protocol: response.Proto, body: string(body)}
	if response.TLS != nil {
		got.serial = response.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	return got
}

// token returns that of a new ServiceAccount, which may read metrics or not.
func (b *bench) token(t *testing.T, name string, may bool) string {
	t.Helper()
	g := NewWithT(t)
	object := metav1.ObjectMeta{Namespace: "default", Name: name}
	g.Expect(b.client.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: object})).To(Succeed())
	if may {
		rule := rbacv1.PolicyRule{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}
		g.Expect(b.client.Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: object, Rules: []rbacv1.PolicyRule{rule}})).To(Succeed())
		g.Expect(b.client.Create(t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: object,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "default", Name: name}},
		})).To(Succeed())
	}
	config, err := b.cluster.ServiceAccountConfig(t.Context(), "default", name)
	g.Expect(err).NotTo(HaveOccurred())
	return config.BearerToken
}

// issue writes a new certificate and its key into a folder, as a Secret that is mounted is replaced, and returns what
// trusts it.
func issue(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	g := NewWithT(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 2)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	g.Expect(err).NotTo(HaveOccurred())
	private, err := x509.MarshalPKCS8PrivateKey(key)
	g.Expect(err).NotTo(HaveOccurred())
	for name, block := range map[string]*pem.Block{"crt.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		fresh := filepath.Join(dir, name+".new")
		g.Expect(os.WriteFile(fresh, pem.EncodeToMemory(block), 0o600)).To(Succeed())
		g.Expect(os.Rename(fresh, filepath.Join(dir, name))).To(Succeed())
	}
	roots := x509.NewCertPool()
	certificate, err := x509.ParseCertificate(der)
	g.Expect(err).NotTo(HaveOccurred())
	roots.AddCert(certificate)
	return roots
}
