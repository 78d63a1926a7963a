// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/freeport"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// soon bounds what takes a moment, on a machine that is busy.
const soon = 4 * time.Minute

// bench is what the tests of the real binary share.
type bench struct {
	cluster    *controlplane.ControlPlane
	client     client.Client
	binary     string
	kubeconfig string // of the operator's own ServiceAccount
}

// newBench starts a control plane, installs the operator's rights, and builds the operator.
func newBench(t *testing.T) *bench {
	t.Helper()
	g := NewWithT(t)
	cluster, err := controlplane.Start(t.Context(), controlplane.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(cluster.Stop()).To(Succeed()) })
	g.Expect(cluster.InstallRights(t.Context())).To(Succeed())
	own, err := cluster.ServiceAccountConfig(t.Context(), controlplane.SystemNamespace, controlplane.ServiceAccount)
	g.Expect(err).NotTo(HaveOccurred())
	b := &bench{cluster: cluster, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	g.Expect(controlplane.WriteKubeconfig(b.kubeconfig, own, "")).To(Succeed())
	scheme := runtime.NewScheme()
	g.Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	g.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	b.client, err = client.New(cluster.Config(), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	b.binary, err = controlplane.ManagerFor(t.Context(), t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	return b
}

// output is what a process prints, while it prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs the operator until the returned function is called, or the test ends.
func (b *bench) start(t *testing.T, args ...string) (printed *output, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	printed = &output{}
	cmd := exec.CommandContext(ctx, b.binary, append([]string{"--kubeconfig=" + b.kubeconfig, "--health-probe-bind-address=0", "--receiver-bind-address=0"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	cmd.Stdout, cmd.Stderr = printed, printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait() // that it was ended is an error as well
	})
	t.Cleanup(stop)
	return printed, stop
}

// freeAddress returns an address on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// source creates a source of tasks with this API key in a namespace of its own.
func (b *bench) source(t *testing.T, url, key string) *v1alpha1.LivepeerTaskSource {
	t.Helper()
	g := NewWithT(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	g.Expect(b.client.Create(t.Context(), namespace)).To(Succeed())
	applied := map[string]string{corev1.LastAppliedConfigAnnotation: key}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "livepeer", Annotations: applied},
		StringData: map[string]string{"apiKey": key},
	}
	g.Expect(b.client.Create(t.Context(), secret)).To(Succeed())
	source := &v1alpha1.LivepeerTaskSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "main"},
		Spec: v1alpha1.LivepeerTaskSourceSpec{
			URL: url, SecretRef: v1alpha1.SecretReference{Name: "livepeer"}, Interval: metav1.Duration{Duration: time.Second},
			ResyncInterval: metav1.Duration{Duration: time.Minute}, Timeout: metav1.Duration{Duration: 10 * time.Second},
		},
	}
	g.Expect(b.client.Create(t.Context(), source)).To(Succeed())
	return source
}

// reason returns why a source is ready or not.
func (b *bench) reason(ctx context.Context, source *v1alpha1.LivepeerTaskSource) string {
	if err := b.client.Get(ctx, client.ObjectKeyFromObject(source), source); err != nil {
		return err.Error()
	}
	if ready := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}

// TestOperator runs the real binary.
func TestOperator(t *testing.T) {
	b := newBench(t)
	t.Run("metrics", b.testMetrics)
	t.Run("exported", b.testExported)
	t.Run("log", b.testLog)
	t.Run("allowed hosts", b.testAllowedHosts)
	t.Run("bad settings", b.testBadSettings)
	t.Run("check", b.testCheck)
	t.Run("replicas", b.testReplicas)
	t.Run("shards", b.testShards)
	t.Run("unserved", b.testUnserved)
	t.Run("CRDs later", b.testCRDsLater) // last: it takes away all sources
}

// testLog: what the operator prints at its most verbose holds neither the key nor what a task hides, whether all is well
// or Studio refuses the key and repeats it.
func (b *bench) testLog(t *testing.T) {
	g := NewWithT(t)
	const key, hidden = "cnrykey0-61a0-4254-9875-f71f4c605bc7", "cNry0017Zq7Xv9Kp2Lm"
	studio := livepeertest.NewServer()
	studio.AddKey(key, livepeertest.ProjectID)
	task := `{"id":"a","params":{"upload":{"url":"https://u:%[1]s@h/x?sig=%[1]s"}},"status":{"phase":"failed","errorMessage":"token: %[1]s"}}`
	g.Expect(studio.PutRaw(fmt.Appendf(nil, task, hidden))).To(Succeed())
	server := httptest.NewServer(studio)
	defer server.Close()
	source := b.source(t, server.URL+"/api", key)
	printed, stop := b.start(t, "--metrics-bind-address=0", "--zap-log-level=127")
	g.Eventually(b.reason, soon).WithArguments(t.Context(), source).Should(Equal(v1alpha1.ReasonSynced))
	studio.RemoveKey(key)
	g.Eventually(b.reason, soon).WithArguments(t.Context(), source).Should(Equal(v1alpha1.ReasonUnauthorized))
	stop()
	g.Expect(printed.String()).To(ContainSubstring("Request Body"), "not at its most verbose")
	for _, secret := range []string{key, hidden} {
		if i := strings.Index(printed.String(), secret[:8]); i >= 0 {
			t.Errorf("%s is printed: %s", secret, printed.String()[max(0, i-500):i+20])
		}
	}
}

// testAllowedHosts: the flag reaches the sources.
func (b *bench) testAllowedHosts(t *testing.T) {
	g := NewWithT(t)
	source := b.source(t, "http://127.0.0.1:1/api", "some-key")
	_, stop := b.start(t, "--metrics-bind-address=0", "--allowed-hosts=livepeer.studio,*.example.com")
	g.Eventually(b.reason, soon).WithArguments(t.Context(), source).Should(Equal(v1alpha1.ReasonInvalidURL))
	stop()
	b.start(t, "--metrics-bind-address=0")
	g.Eventually(b.reason, soon).WithArguments(t.Context(), source).Should(Equal(v1alpha1.ReasonUnavailable))
}

// testBadSettings: a setting that protects is never silently left out.
func (b *bench) testBadSettings(t *testing.T) {
	for arg, message := range map[string]string{
		"--allowed-hosts=https://livepeer.studio": "without a scheme",
		"--metrics-cert-path=/nowhere":            "/nowhere/tls.crt",
		"--receiver-cert-path=/nowhere":           "/nowhere/tls.crt",

		"--receiver-connections-per-address=0": "at least 1",
		"--watch-label-selector=shard:a":       "studio.livepeer.org/shard=a",

		"--allowed-hosts=,":                     "names no host",
		"--watch-namespaces= ,":                 "names no namespace",
		"--watch-namespaces=media,*":            "leave the flag out to work in all",
		"--watch-namespaces=$(POD_NAMESPACE)":   "can't be the name of a namespace",
		"--leader-elect|true|--allowed-hosts=a": "is no flag",
		"--receiver-bind-address=":              "0 to turn the receiver off",
	} {
		if out, err := b.try(t, strings.Split(arg, "|")...); err == nil || !strings.Contains(out, message) {
			t.Errorf("%s: %v, %s", arg, err, out)
		}
	}
}

// try runs the operator, which is to end by itself: where it does not, for a minute.
func (b *bench) try(t *testing.T, args ...string) (printed string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args = append([]string{"--kubeconfig=" + b.kubeconfig, "--metrics-bind-address=0", "--health-probe-bind-address=0", "--receiver-bind-address=127.0.0.1:0"}, args...)
	out, err := exec.CommandContext(ctx, b.binary, args...).CombinedOutput()
	return string(out), err
}

// TestBuildIsReproducible: the same sources make the same binary, in whatever folder they are.
func TestBuildIsReproducible(t *testing.T) {
	g := NewWithT(t)
	elsewhere := t.TempDir()
	for _, name := range []string{"api", "internal"} {
		g.Expect(os.CopyFS(filepath.Join(elsewhere, name), os.DirFS(name))).To(Succeed())
	}
	for _, name := range []string{"go.mod", "go.sum", "main.go", "Makefile"} {
		raw, err := os.ReadFile(name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(os.WriteFile(filepath.Join(elsewhere, name), raw, 0o600)).To(Succeed())
	}
	sum := func(dir string) string {
		bin := t.TempDir()
		out, err := exec.CommandContext(t.Context(), "make", "-C", dir, "build", "BIN="+bin, "VERSION=v0").CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(out))
		raw, err := os.ReadFile(filepath.Join(bin, "manager"))
		g.Expect(err).NotTo(HaveOccurred())
		return fmt.Sprintf("%x", sha256.Sum256(raw))
	}
	g.Expect(sum(elsewhere)).To(Equal(sum(".")))
}
