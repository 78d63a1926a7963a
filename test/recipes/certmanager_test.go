// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"crypto/x509"
	"errors"
	"math/big"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const (
	metricsCertificate  = "livepeer-task-operator-metrics-certificate" // the Secrets
	receiverCertificate = "livepeer-task-operator-receiver-certificate"
	metricsHost         = "livepeer-task-operator-controller-manager-metrics." + controlplane.SystemNamespace + ".svc"
	withHost            = "receiver.host=" + hooksHost
)

// cert-manager's own controllers make what the chart asks them for, by Helm itself, with the issuers and the values of docs/helm.md, and the
// operator's own binary serves it with the flags of its Deployment: whoever knows the authority in the Secret reaches metrics and receiver by
// their names. What is renewed is served without a restart, and nobody is turned away meanwhile. Before: without cert-manager, without the
// issuer, and without the Secrets.
func TestCertManager(t *testing.T) {
	c := newCertCluster(t)
	values, issuers := blockOf(t, "helm.md", "issuerRef:\n      name: internal"), blockOf(t, "helm.md", "kind: ClusterIssuer")
	said, err := c.helm(values, withHost)
	c.Expect(err).To(HaveOccurred())
	c.Expect(said).To(ContainSubstring(`no matches for kind "Certificate" in version "cert-manager.io/v1"`))
	t.Log("without CRDs: ", said)

	c.startCertManager()
	said, err = c.helm(values, withHost)
	c.Expect(err).NotTo(HaveOccurred(), said)
	c.withoutIssuer()
	c.issuers(issuers)
	c.issued("internal")
	c.Expect(c.mount()).To(Succeed())
	c.startOperator(c.args()...)
	c.serves()
	c.reachedByName()

	for way, renew := range map[string]func(c *certCluster, certificate, secret string){
		"as cmctl does": (*certCluster).renew, "where its Secret is deleted": (*certCluster).deleteSecret,
	} {
		t.Run("renewed "+way, func(t *testing.T) { c.in(t).renewed(renew) })
	}
	t.Run("renewed by time", func(t *testing.T) { c.in(t).renewedByTime() })
	c.issuers(issuers, "namespace: cert-manager", "namespace: "+controlplane.SystemNamespace, "internal", "own",
		"ClusterIssuer\nmetadata:\n  name: internal", "Issuer\nmetadata:\n  namespace: "+controlplane.SystemNamespace+"\n  name: own")
	for issuer, kind := range map[string]string{"self-signed": "ClusterIssuer", "own": "Issuer"} {
		t.Run("another issuer "+issuer, func(t *testing.T) {
			c := c.in(t)
			said, err := c.helm(values, withHost, "certificates.certManager.issuerRef.name="+issuer, "certificates.certManager.issuerRef.kind="+kind)
			c.Expect(err).NotTo(HaveOccurred(), said)
			c.issued(issuer)
			c.serves()
			c.reachedByName()
		})
	}
	c.Eventually(c.warnings, gitopsBound).Should(ContainElement(ContainSubstring("empty Issuer DN")), "of the issuer self-signed")
	t.Run("beside an Ingress", func(t *testing.T) { c.in(t).besideIngress(issuers) })
}

// besideIngress has what ends TLS before the operator, with a certificate that cert-manager makes of the Ingress: the receiver then
// speaks plain HTTP, and has none. What it had stays.
func (c *certCluster) besideIngress(issuers string) {
	c.t.Helper()
	const public = "letsencrypt" // which can't be reached from here
	_, authority, found := strings.Cut(issuers, "name: internal\nspec:\n  ca:")
	c.Expect(found).To(BeTrue(), issuers)
	c.issuers("apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: " + public + "}\nspec:\n  ca:" + authority)
	said, err := c.helm(blockOf(c.t, "helm.md", "receiver: false"))
	c.Expect(err).NotTo(HaveOccurred(), said)
	const secret = "hooks-example-com-tls"
	c.Eventually(func() []string { return c.leaf(secret).DNSNames }, gitopsBound).Should(ConsistOf(hooksHost))
	c.Expect(c.secret(secret).Annotations).To(HaveKeyWithValue("cert-manager.io/issuer-name", public))
	c.Eventually(c.ready, gitopsBound).WithArguments(secret).Should(HavePrefix("True Ready: "))
	c.Expect(c.args()).NotTo(ContainElement(HavePrefix("--receiver-cert-path")))
	c.Expect(c.secret(receiverCertificate).UID).NotTo(BeEmpty())
	certificates := &unstructured.UnstructuredList{}
	certificates.SetGroupVersionKind(c.certificate(secret).GroupVersionKind())
	c.Expect(c.List(c.t.Context(), certificates, client.InNamespace(controlplane.SystemNamespace))).To(Succeed())
	var names []string
	for i := range certificates.Items {
		names = append(names, certificates.Items[i].GetName())
	}
	c.Expect(names).To(ConsistOf("livepeer-task-operator-metrics", secret, "own"))
}

// withoutIssuer sees what cert-manager, the kubelet and the operator say where the issuer is not there.
func (c *certCluster) withoutIssuer() {
	c.t.Helper()
	c.Eventually(c.requests, gitopsBound).Should(ConsistOf(
		ContainSubstring(`clusterissuer.cert-manager.io "internal" not found`), ContainSubstring(`clusterissuer.cert-manager.io "internal" not found`)))
	c.Eventually(c.ready, gitopsBound).WithArguments("livepeer-task-operator-metrics").Should(HavePrefix("False DoesNotExist: "))
	c.t.Log("without an issuer: ", c.ready("livepeer-task-operator-metrics"), "; ", c.requests())
	c.Expect(c.mount()).To(MatchError(ContainSubstring("not there")), "so that the kubelet starts no pod")
	c.refused("--metrics-cert-path")
	c.refused("--receiver-cert-path")
}

// refused sees that the operator does not start with an empty folder.
func (c *certCluster) refused(flag string) {
	c.t.Helper()
	binary, args := c.operator("--receiver-bind-address="+c.receiver, flag+"="+c.t.TempDir())
	ctx, cancel := context.WithTimeout(c.t.Context(), gitopsBound)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
	c.Expect(err).To(HaveOccurred(), "started in some other way")
	c.Expect(string(out)).To(MatchRegexp(flag + ": .*tls.crt: no such file"))
}

// warnings are the messages of the Events that warn, in the operator's namespace.
func (c *certCluster) warnings() (all []string) {
	list := &corev1.EventList{}
	c.Expect(c.List(c.t.Context(), list, client.InNamespace(controlplane.SystemNamespace))).To(Succeed())
	for i := range list.Items {
		if list.Items[i].Type == corev1.EventTypeWarning {
			all = append(all, list.Items[i].Message)
		}
	}
	return all
}

// issued waits for both certificates of an issuer, and looks at what is in the Secrets.
func (c *certCluster) issued(by string) {
	c.t.Helper()
	for name, of := range map[string]struct {
		secret string
		hosts  []string
	}{
		"livepeer-task-operator-metrics":  {metricsCertificate, []string{metricsHost}},
		"livepeer-task-operator-receiver": {receiverCertificate, []string{internalName, hooksHost}},
	} {
		c.Eventually(func() map[string]string { return c.secret(of.secret).Annotations }, gitopsBound).Should(HaveKeyWithValue("cert-manager.io/issuer-name", by))
		c.Eventually(c.ready, gitopsBound).WithArguments(name).Should(Equal("True Ready: Certificate is up to date and has not expired"))
		secret := c.secret(of.secret)
		c.Expect(secret.Type).To(Equal(corev1.SecretTypeTLS))
		c.Expect(secret.OwnerReferences).To(BeEmpty(), "it stays when the Certificate goes")
		c.Expect(secret.Data).To(And(HaveKey("tls.crt"), HaveKey("tls.key"), HaveKey("ca.crt")))
		c.Expect(c.leaf(of.secret).DNSNames).To(ConsistOf(of.hosts))
	}
}

// serves waits until the operator serves what the Secrets hold, while the kubelet mounts it.
func (c *certCluster) serves() {
	c.t.Helper()
	for _, at := range []struct{ address, secret, host string }{
		{c.metrics, metricsCertificate, metricsHost}, {c.receiver, receiverCertificate, internalName},
	} {
		c.Eventually(func(g Gomega) {
			g.Expect(c.mount()).To(Succeed())
			served, err := c.handshake(at.address, at.secret, at.host)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(served.SerialNumber).To(Equal(c.leaf(at.secret).SerialNumber))
		}, gitopsBound).Should(Succeed())
	}
}

// reachedByName sees which names verify, and which do not.
func (c *certCluster) reachedByName() {
	c.t.Helper()
	_, err := c.handshake(c.receiver, receiverCertificate, hooksHost)
	c.Expect(err).NotTo(HaveOccurred())
	for address, secret := range map[string]string{c.metrics: metricsCertificate, c.receiver: receiverCertificate} {
		_, err = c.handshake(address, secret, "elsewhere.example.com")
		c.Expect(errors.As(err, &x509.HostnameError{})).To(BeTrue(), "%v", err)
	}
}

// renewed has both certificates renewed in a way: new ones with new keys are served, and each handshake until then succeeds.
func (c *certCluster) renewed(renew func(c *certCluster, certificate, secret string)) {
	c.t.Helper()
	for certificate, of := range map[string]struct{ secret, address, host string }{
		"livepeer-task-operator-metrics":  {metricsCertificate, c.metrics, metricsHost},
		"livepeer-task-operator-receiver": {receiverCertificate, c.receiver, hooksHost},
	} {
		before := c.secret(of.secret).Data
		old := c.leaf(of.secret)
		renew(c, certificate, of.secret)
		c.Eventually(func() bool {
			now := c.secret(of.secret).Data
			return len(now["tls.crt"]) > 0 && !apiequality.Semantic.DeepEqual(now["tls.crt"], before["tls.crt"])
		}, gitopsBound).Should(BeTrue())
		c.Expect(c.secret(of.secret).Data["tls.key"]).NotTo(Equal(before["tls.key"]))
		c.Expect(c.secret(of.secret).Data["ca.crt"]).To(Equal(before["ca.crt"]), "the same authority")
		served, err := c.handshake(of.address, of.secret, of.host)
		c.Expect(err).NotTo(HaveOccurred())
		c.Expect(served.SerialNumber).To(Equal(old.SerialNumber), "the kubelet did not look yet")
		c.Expect(c.mount()).To(Succeed())
		c.Eventually(func() *big.Int {
			served, err := c.handshake(of.address, of.secret, of.host)
			c.Expect(err).NotTo(HaveOccurred())
			return served.SerialNumber
		}, gitopsBound).ShouldNot(Equal(old.SerialNumber))
	}
}

// renew sets the condition that cmctl renew does.
func (c *certCluster) renew(certificate, _ string) {
	c.Eventually(func() error {
		object := c.certificate(certificate)
		conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
		c.Expect(err).NotTo(HaveOccurred())
		conditions = slices.DeleteFunc(conditions, func(one any) bool { return one.(map[string]any)["type"] == "Issuing" })
		conditions = append(conditions, map[string]any{
			"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "Certificate re-issuance manually triggered",
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339), "observedGeneration": object.GetGeneration(),
		})
		c.Expect(unstructured.SetNestedSlice(object.Object, conditions, "status", "conditions")).To(Succeed())
		return c.Status().Update(c.t.Context(), object)
	}, gitopsBound).Should(Succeed(), "once nobody else writes it")
}

func (c *certCluster) deleteSecret(_, secret string) {
	c.Expect(c.Delete(c.t.Context(), c.secret(secret))).To(Succeed())
}

// renewedByTime has a certificate that is valid for an hour renewed ten seconds after it is made: no shorter duration is taken by
// cert-manager's webhook, which is not there, and a renewBefore up to that is.
func (c *certCluster) renewedByTime() {
	c.t.Helper()
	const certificate = "livepeer-task-operator-receiver"
	patch := func(spec string) {
		raw := client.RawPatch(client.Merge.Type(), []byte(`{"spec":`+spec+`}`))
		c.Expect(c.Patch(c.t.Context(), c.certificate(certificate), raw)).To(Succeed())
	}
	patch(`{"duration":"1h","renewBefore":"59m50s"}`) // which counts from the next one on
	c.renew(certificate, "")
	c.Eventually(func() time.Duration { return validity(c.leaf(receiverCertificate)) }, gitopsBound).Should(BeNumerically("~", time.Hour, time.Minute))
	first := c.leaf(receiverCertificate).SerialNumber
	c.Eventually(func() *big.Int { return c.leaf(receiverCertificate).SerialNumber }, gitopsBound).ShouldNot(Equal(first))
	c.serves()
	patch(`{"duration":null,"renewBefore":null}`)
	c.renew(certificate, "")
	c.Eventually(func() time.Duration { return validity(c.leaf(receiverCertificate)) }, gitopsBound).Should(BeNumerically(">", 24*time.Hour))
	c.serves()
}

func validity(certificate *x509.Certificate) time.Duration {
	return certificate.NotAfter.Sub(certificate.NotBefore)
}
