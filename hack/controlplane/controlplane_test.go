// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// soon bounds what takes seconds, on a machine that is busy.
const soon = 4 * time.Minute

// plane is shared by the tests of this package, since it takes seconds to start.
var plane *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if plane, err = controlplane.Start(context.Background(), controlplane.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := plane.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestStartSaysHowToGetMissingBinaries(t *testing.T) {
	g := NewWithT(t)
	t.Setenv("KUBEBUILDER_ASSETS", t.TempDir())

	_, err := controlplane.Start(t.Context(), controlplane.Options{})

	var missing *controlplane.MissingBinaryError
	g.Expect(errors.As(err, &missing)).To(BeTrue(), "%v", err)
	g.Expect(err).To(MatchError(ContainSubstring("make controlplane")))
}

func TestStopEndsThePlaneEvenWhileItIsWatched(t *testing.T) {
	g := NewWithT(t)
	other, err := controlplane.Start(t.Context(), controlplane.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	clientset := kubernetes.NewForConfigOrDie(other.Config())
	watch, err := clientset.CoreV1().Namespaces().Watch(t.Context(), metav1.ListOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	defer watch.Stop()

	begun := time.Now()
	g.Expect(other.Stop()).To(Succeed())
	g.Expect(time.Since(begun)).To(BeNumerically("<", 50*time.Second), "the watch holds it up for a minute")

	_, err = clientset.CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{})
	g.Expect(err).To(HaveOccurred())
}

// A server whose port a connection has taken can't be started, or started again.
func TestPortIsNotThatOfAConnection(t *testing.T) {
	g := NewWithT(t)
	server, err := url.Parse(plane.Config().Host)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(strconv.Atoi(server.Port())).To(BeNumerically("<", 32768))
}

// The operator's service account must be able to do its work, and nothing beyond it.
func TestServiceAccountHasTheOperatorsRightsOnly(t *testing.T) {
	g := NewWithT(t)
	applyDefault(t)
	config, err := plane.ServiceAccountConfig(t.Context(), controlplane.SystemNamespace, controlplane.ServiceAccount)
	g.Expect(err).NotTo(HaveOccurred())

	for name, config := range map[string]*rest.Config{"config": config, "kubeconfig": throughKubeconfig(t, config)} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			clientset := kubernetes.NewForConfigOrDie(config)
			_, err := clientset.CoreV1().Secrets("default").Get(t.Context(), "absent", metav1.GetOptions{})
			g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
			_, err = clientset.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
			g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "new"}}
			_, err = clientset.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{})
			g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
			_, err = clientset.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
			g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		})
	}
}

func TestServiceAccountConfigNeedsTheServiceAccount(t *testing.T) {
	_, err := plane.ServiceAccountConfig(t.Context(), "default", "nobody")

	NewWithT(t).Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
}

func TestRequestsCountsByVerb(t *testing.T) {
	g := NewWithT(t)
	clientset := kubernetes.NewForConfigOrDie(plane.Config())
	before, err := plane.Requests(t.Context(), "configmaps")
	g.Expect(err).NotTo(HaveOccurred())

	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "counted"}}
	_, err = clientset.CoreV1().ConfigMaps("default").Create(t.Context(), configMap, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(clientset.CoreV1().ConfigMaps("default").Delete(t.Context(), "counted", metav1.DeleteOptions{})).To(Succeed())

	// The API server counts a request after it has answered it.
	g.Eventually(func(g Gomega) {
		after, err := plane.Requests(t.Context(), "configmaps")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(after["POST"] - before["POST"]).To(Equal(1))
		g.Expect(after["DELETE"] - before["DELETE"]).To(Equal(1))
		g.Expect(controlplane.Writes(after) - controlplane.Writes(before)).To(Equal(2))
	}).WithTimeout(soon).Should(Succeed())
}

func throughKubeconfig(t *testing.T, config *rest.Config) *rest.Config {
	t.Helper()
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(controlplane.WriteKubeconfig(path, config, "default")).To(Succeed())
	loaded, err := clientcmd.BuildConfigFromFlags("", path)
	g.Expect(err).NotTo(HaveOccurred())
	return loaded
}
