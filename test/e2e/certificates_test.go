// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// The certificates of the metrics and of the receiver are replaced in their Secrets: every replica serves the new ones, and goes
// on without a restart.
func TestCertificatesAreReplaced(t *testing.T) {
	e := begin(t)
	e.operator(asDefault) // for the namespace of the Secrets
	first := newAuthority(e)
	for _, what := range certified {
		e.certificate(first, what.secret)
	}
	e.operator(asCertified)
	e.servesFrom(first)
	restarts := e.allRestarts()

	second := newAuthority(e)
	for _, what := range certified {
		e.certificate(second, what.secret)
	}
	// The kubelet looks at a pod that changes, and would be up to two minutes late otherwise.
	e.k("-n", systemNamespace, "annotate", "--overwrite", "pods", "-l", "app.kubernetes.io/component=manager", "e2e.livepeer.org/certificates=second")
	e.servesFrom(second)
	e.g.Expect(e.allRestarts()).To(Equal(restarts))
	e.rolledOut()
}

const certificates = "components: [COMPONENTS/metrics-certificate, COMPONENTS/receiver-certificate]"

// certified is what serves a certificate from a Secret.
var certified = []struct{ secret, port string }{
	{"livepeer-task-operator-metrics-certificate", "8443"}, {"livepeer-task-operator-receiver-certificate", "9292"},
}

const certifiedHost = "operator.e2e"

// certificate puts a certificate into a Secret.
func (e *suite) certificate(from *authority, secret string) {
	e.t.Helper()
	certificate, private := from.issue(e, certifiedHost)
	crt, key := filepath.Join(e.dir, "tls.crt"), filepath.Join(e.dir, "tls.key")
	e.g.Expect(os.WriteFile(crt, certificate, 0o600)).To(Succeed())
	e.g.Expect(os.WriteFile(key, private, 0o600)).To(Succeed())
	e.apply(e.k("-n", systemNamespace, "create", "secret", "tls", secret, "--cert="+crt, "--key="+key, "--dry-run=client", "-o", "yaml"), "apply", "-f", "-")
}

// servesFrom waits until each replica serves certificates of this authority.
func (e *suite) servesFrom(a *authority) {
	e.t.Helper()
	for _, pod := range e.pods() {
		for _, what := range certified {
			address := net.JoinHostPort("127.0.0.1", e.forward(systemNamespace, "pod/"+pod.Name, what.port))
			e.g.Eventually(func() error {
				conn, err := (&tls.Dialer{Config: a.trust(certifiedHost)}).DialContext(e.t.Context(), "tcp", address)
				if err != nil {
					return err
				}
				return conn.Close()
			}).Should(Succeed(), "%s, port %s", pod.Name, what.port)
		}
	}
}
