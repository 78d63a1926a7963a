// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// Whoever had access before must find the same cluster after, more than once.
func TestRestartKeepsDataAndAccess(t *testing.T) {
	g := NewWithT(t)
	other, err := controlplane.Start(t.Context(), controlplane.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { g.Expect(other.Stop()).To(Succeed()) }()
	admin := kubernetes.NewForConfigOrDie(other.Config())
	_, err = admin.CoreV1().ServiceAccounts("default").Create(t.Context(),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	token, err := other.ServiceAccountConfig(t.Context(), "default", "kept")
	g.Expect(err).NotTo(HaveOccurred())
	holder := kubernetes.NewForConfigOrDie(token)
	keep := t.TempDir()

	for range 2 {
		g.Expect(other.RestartAPIServer(t.Context(), keep, time.Millisecond)).To(Succeed())

		g.Eventually(func(g Gomega) {
			_, err := admin.CoreV1().ServiceAccounts("default").Get(t.Context(), "kept", metav1.GetOptions{})
			g.Expect(err).NotTo(HaveOccurred())
			_, err = holder.Discovery().ServerVersion()
			g.Expect(err).NotTo(HaveOccurred(), "the token must stay valid")
		}).WithTimeout(soon).Should(Succeed())
	}
}
