// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// certCluster has cert-manager's controllers, Helm, and a node's part in Secrets that a pod mounts.
type certCluster struct {
	gitopsCluster
	binary, kubeconfig string
	mounts             map[string]string // folders by the mountPath of the pod
	metrics, receiver  string            // addresses where the operator listens
}

func newCertCluster(t *testing.T) *certCluster {
	t.Helper()
	binary := tool(t, "cert-manager")
	if os.Getenv("HELM") == "" {
		t.Skip("HELM names no helm: make test-recipes builds it")
	}
	c := &certCluster{
		gitopsCluster: newGitopsCluster(t), binary: binary, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"), mounts: map[string]string{},
		metrics: "127.0.0.1:" + freePort(t), receiver: "127.0.0.1:" + freePort(t),
	}
	c.Expect(controlplane.WriteKubeconfig(c.kubeconfig, c.plane.Config(), "")).To(Succeed())
	return c
}

// in is the same cluster for a part of the test.
func (c *certCluster) in(t *testing.T) *certCluster {
	t.Helper()
	part := *c
	part.t, part.Gomega = t, NewWithT(t)
	return &part
}

// startCertManager installs cert-manager's CRDs and runs its controllers, as an administrator, until the end of the test.
func (c *certCluster) startCertManager() {
	c.t.Helper()
	paths := []string{filepath.Join(moduleDir(c.t, "cert-manager", "github.com/cert-manager/cert-manager"), "deploy", "crds")}
	_, err := envtest.InstallCRDs(c.plane.Config(), envtest.CRDInstallOptions{Paths: paths, ErrorIfPathMissing: true, MaxTime: gitopsBound})
	c.Expect(err).NotTo(HaveOccurred())
	newNamespace(c.t, c, "cert-manager")
	startTool(c.t, c.binary, c.kubeconfig, "cert-manager")
}

// helm installs or upgrades the chart with values of docs/helm.md, and more, and returns what Helm says.
func (c *certCluster) helm(values string, more ...string) (string, error) {
	c.t.Helper()
	home := c.t.TempDir()
	file := filepath.Join(home, "values.yaml")
	c.Expect(os.WriteFile(file, []byte(values), 0o600)).To(Succeed())
	cmd := exec.CommandContext(c.t.Context(), os.Getenv("HELM"), "upgrade", "--install", "livepeer-task-operator",
		"../../charts/livepeer-task-operator", "--namespace", controlplane.SystemNamespace, "--create-namespace",
		"--kubeconfig", c.kubeconfig, "--values", file, "--set", strings.Join(more, ","))
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// issuers stores cert-manager's objects of a text, with changes.
func (c *certCluster) issuers(text string, changes ...string) {
	c.t.Helper()
	for document := range strings.SplitSeq(strings.NewReplacer(changes...).Replace(text), "\n---\n") {
		object := &unstructured.Unstructured{}
		c.Expect(yaml.Unmarshal([]byte(document), &object.Object)).To(Succeed(), document)
		c.Expect(c.plane.Apply(c.t.Context(), object)).To(Succeed(), document)
	}
}

// conditionOf is a condition of one of cert-manager's objects in the operator's namespace: status, reason and message.
func (c *certCluster) conditionOf(object *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, one := range conditions {
		if condition := one.(map[string]any); condition["type"] == "Ready" {
			return fmt.Sprint(condition["status"], " ", condition["reason"], ": ", condition["message"])
		}
	}
	return ""
}

// certificate is the Certificate of the chart's for metrics or the receiver.
func (c *certCluster) certificate(name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"})
	c.Expect(c.Get(c.t.Context(), client.ObjectKey{Namespace: controlplane.SystemNamespace, Name: name}, object)).To(Succeed())
	return object
}

// ready is the condition of a Certificate.
func (c *certCluster) ready(name string) string { return c.conditionOf(c.certificate(name)) }

// requests are the conditions of all requests in the operator's namespace.
func (c *certCluster) requests() (all []string) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "CertificateRequestList"})
	c.Expect(c.List(c.t.Context(), list, client.InNamespace(controlplane.SystemNamespace))).To(Succeed())
	for i := range list.Items {
		all = append(all, c.conditionOf(&list.Items[i]))
	}
	return all
}

// secret is one in the operator's namespace; empty where it is not there.
func (c *certCluster) secret(name string) *corev1.Secret {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: controlplane.SystemNamespace, Name: name}}
	c.Expect(client.IgnoreNotFound(c.Get(c.t.Context(), client.ObjectKeyFromObject(secret), secret))).To(Succeed())
	return secret
}

// leaf is the certificate in a Secret.
func (c *certCluster) leaf(secret string) *x509.Certificate {
	block, _ := pem.Decode(c.secret(secret).Data["tls.crt"])
	if block == nil {
		return &x509.Certificate{}
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	c.Expect(err).NotTo(HaveOccurred())
	return certificate
}

// mount does what the kubelet does with the Secrets that the Deployment's pod mounts: before the pod starts, and again
// after a while. Where a Secret or a key is not there, it starts none.
func (c *certCluster) mount() error {
	c.t.Helper()
	pod := c.pod()
	for i := range pod.Volumes {
		volume := &pod.Volumes[i]
		if volume.Secret == nil {
			continue
		}
		secret := c.secret(volume.Secret.SecretName)
		files := map[string][]byte{}
		for _, item := range volume.Secret.Items {
			content, ok := secret.Data[item.Key]
			if !ok {
				return fmt.Errorf("secret %q, key %q: not there", volume.Secret.SecretName, item.Key)
			}
			files[item.Path] = content
		}
		for _, at := range pod.Containers[0].VolumeMounts {
			if at.Name == volume.Name {
				c.project(c.folder(at.MountPath), files)
			}
		}
	}
	return nil
}

// folder stands in for a mountPath of the pod.
func (c *certCluster) folder(path string) string {
	if c.mounts[path] == "" {
		c.mounts[path] = c.t.TempDir()
	}
	return c.mounts[path]
}

func (c *certCluster) pod() *corev1.PodSpec {
	deployment := &appsv1.Deployment{}
	c.Expect(c.Get(c.t.Context(), client.ObjectKey{Namespace: controlplane.SystemNamespace, Name: controlplane.ServiceAccount}, deployment)).To(Succeed())
	return &deployment.Spec.Template.Spec
}

// args are the flags of the pod about certificates, with the folders that stand in.
func (c *certCluster) args() []string {
	args := []string{"--metrics-bind-address=" + c.metrics, "--receiver-bind-address=" + c.receiver}
	for _, arg := range c.pod().Containers[0].Args {
		if flag, path, ok := strings.Cut(arg, "="); ok && strings.HasSuffix(flag, "-cert-path") {
			args = append(args, flag+"="+c.folder(path))
		}
	}
	return args
}

// handshake connects to an address as a client does that knows the authority in a Secret, and a name.
func (c *certCluster) handshake(address, secret, name string) (*x509.Certificate, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.secret(secret).Data["ca.crt"])
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(c.t.Context(), "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}
