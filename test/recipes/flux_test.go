// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/object"
	"github.com/fluxcd/pkg/ssa"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Flux's own wait, as its kustomize-controller calls it for the health checks of the page's Kustomization: it ends once the source is
// mirrored, ends at once where somebody's help is needed, and goes on otherwise.
func TestFluxWaitsForASource(t *testing.T) {
	g := NewWithT(t)
	c := newClient(t)
	checks, _, err := unstructured.NestedSlice(lastOf(t, "flux.md", "Kustomization").Object, "spec", "healthChecks")
	g.Expect(err).NotTo(HaveOccurred())
	check := checks[0].(map[string]any)
	gv, err := schema.ParseGroupVersion(check["apiVersion"].(string))
	g.Expect(err).NotTo(HaveOccurred())
	set := object.ObjMetadataSet{{
		Namespace: check["namespace"].(string), Name: check["name"].(string),
		GroupKind: schema.GroupKind{Group: gv.Group, Kind: check["kind"].(string)},
	}}
	config := rest.CopyConfig(cluster.Config())
	config.QPS = -1 // or its limiter ends a wait before the time-out does
	reader, err := client.New(config, client.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	manager := ssa.NewResourceManager(reader, polling.NewStatusPoller(reader, reader.RESTMapper(), polling.Options{}), ssa.Owner{Field: "flux", Group: "flux"})
	wait := func(timeout time.Duration) error {
		return manager.WaitForSetWithContext(t.Context(), set, ssa.WaitOptions{Interval: time.Second, Timeout: timeout, FailFast: true})
	}
	source := newSource(t, c, set[0].Namespace)
	become := func(is metav1.ConditionStatus, reason string, also ...metav1.Condition) {
		setConditions(t, c, source, append(also, metav1.Condition{Type: v1alpha1.ConditionReady, Status: is, Reason: reason})...)
	}
	with := func(name, reason string) metav1.Condition {
		return metav1.Condition{Type: name, Status: metav1.ConditionTrue, Reason: reason}
	}

	become(metav1.ConditionTrue, v1alpha1.ReasonSynced)
	g.Expect(wait(time.Minute)).To(Succeed())
	become(metav1.ConditionTrue, v1alpha1.ReasonSuspended)
	g.Expect(wait(time.Minute)).To(Succeed())
	become(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized, with(v1alpha1.ConditionStalled, v1alpha1.ReasonUnauthorized))
	g.Expect(wait(time.Minute)).To(MatchError("failed early due to stalled resources: [LivepeerTaskSource/media/main status: 'Failed']"))
	become(metav1.ConditionFalse, v1alpha1.ReasonSyncing, with(v1alpha1.ConditionReconciling, v1alpha1.ReasonSyncing))
	g.Expect(wait(3 * time.Second)).To(MatchError("timeout waiting for: [LivepeerTaskSource/media/main status: 'InProgress']"))

	ended := make(chan error, 1)
	go func() { ended <- wait(time.Minute) }()
	g.Consistently(ended, 2*time.Second).ShouldNot(Receive())
	become(metav1.ConditionTrue, v1alpha1.ReasonSynced)
	g.Eventually(ended, time.Minute).Should(Receive(BeNil()))
}
