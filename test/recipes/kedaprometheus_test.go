// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// The first ScaledObject of the page, but for Prometheus' address and the times, with a Prometheus that reads the operator's own metrics, and
// the operator that mirrors a simulated Studio: as many replicas as the query says, and none where nothing answers it.
func TestKEDAByPrometheus(t *testing.T) {
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not there; on Debian: apt-get install prometheus")
	}
	k := newScalingCluster(t)
	k.start(t.TempDir())
	k.storeWorkers()
	studio, url := k.startStudio()
	enter := func(phase string) {
		for n := range 23 {
			now := time.Now().UnixMilli()
			studio.Put(livepeertest.Task{
				"id": fmt.Sprint("transcoded-", n), "type": "transcode-file", "createdAt": now, "status": map[string]any{"phase": phase, "updatedAt": now},
			})
		}
	}
	enter("running")
	metrics := "127.0.0.1:" + freePort(t)
	stop := k.startOperator("--metrics-bind-address=" + metrics)
	k.addKey()
	source := sourceCalled("main")
	source.Spec = v1alpha1.LivepeerTaskSourceSpec{
		URL: url, SecretRef: v1alpha1.SecretReference{Name: "livepeer"}, Interval: metav1.Duration{Duration: time.Second},
		ResyncInterval: metav1.Duration{Duration: time.Hour}, Timeout: metav1.Duration{Duration: gitopsBound},
	}
	k.Expect(k.Create(t.Context(), source)).To(Succeed())

	scaled := k.byPrometheus(k.startPrometheus(prometheus, metrics))
	k.Expect(k.plane.Apply(t.Context(), scaled)).To(Succeed())
	k.Eventually(k.replicas, gitopsBound).Should(Equal(int32(3)), "one for each 10 of 23")
	enter("completed")
	k.Eventually(k.replicas, gitopsBound).Should(BeZero())
	k.Expect(k.condition("Ready")).To(Equal("True ScaledObjectReady"))
	enter("waiting")
	k.Eventually(k.replicas, gitopsBound).Should(Equal(int32(3)))
	stop()
	k.Eventually(k.replicas, gitopsBound).Should(BeZero(), "an empty answer is 0")
}

// byPrometheus is the page's ScaledObject that asks a Prometheus, at another address and with short times.
func (k *kedaCluster) byPrometheus(address string) *unstructured.Unstructured {
	k.t.Helper()
	for _, object := range pages(k.t)["keda.md"] {
		if object.GetKind() != "ScaledObject" {
			continue
		}
		triggerOf(k.t, object)["serverAddress"] = address
		for name, seconds := range map[string]int64{"pollingInterval": 1, "cooldownPeriod": 2} {
			k.Expect(unstructured.SetNestedField(object.Object, seconds, "spec", name)).To(Succeed())
		}
		return object
	}
	k.t.Fatal("the page has no ScaledObject")
	return nil
}

// startPrometheus has a Prometheus read the operator's metrics as docs/metrics.md says, and returns its URL.
func (k *kedaCluster) startPrometheus(binary, metrics string) string {
	k.t.Helper()
	newNamespace(k.t, k, "monitoring")
	subject := metav1.ObjectMeta{Namespace: "monitoring", Name: "prometheus"}
	k.Expect(k.Create(k.t.Context(), &corev1.ServiceAccount{ObjectMeta: subject})).To(Succeed())
	k.Expect(k.Create(k.t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "livepeer-task-operator-metrics"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "livepeer-task-operator-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: subject.Namespace, Name: subject.Name}},
	})).To(Succeed())
	account, err := k.plane.ServiceAccountConfig(k.t.Context(), subject.Namespace, subject.Name)
	k.Expect(err).NotTo(HaveOccurred())
	dir, address := k.t.TempDir(), "127.0.0.1:"+freePort(k.t)
	config := filepath.Join(dir, "prometheus.yml")
	k.Expect(os.WriteFile(config, []byte(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: livepeer-task-operator
  scheme: https
  honor_labels: true
  tls_config: {insecure_skip_verify: true}
  authorization: {credentials: `+account.BearerToken+`}
  static_configs: [{targets: ["`+metrics+`"], labels: {namespace: livepeer-task-operator-system}}]
`), 0o600)).To(Succeed())
	startTool(k.t, binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	return "http://" + address
}
