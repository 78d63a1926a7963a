// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// What the pages of Argo CD and Flux say of tasks in each phase.
func TestHealthOfTasks(t *testing.T) {
	g := NewWithT(t)
	c := newClient(t)
	check := healthOf(t, v1alpha1.GroupVersion.Group+"_LivepeerTask")
	for i, want := range []struct {
		phase, argo   string
		kstatus       status.Status
		stalledBefore int64
	}{
		{"pending", "Progressing", status.InProgressStatus, 0},
		{"waiting", "Progressing", status.InProgressStatus, 0},
		{"running", "Progressing", status.InProgressStatus, 0},
		{"completed", "Healthy", status.CurrentStatus, 0},
		{"failed", "Degraded", status.FailedStatus, 0},
		{"cancelled", "Degraded", status.FailedStatus, 0},
		{"frozen", "Progressing", status.InProgressStatus, 0},
		{"", "Progressing", status.InProgressStatus, 0},
		{"running", "Degraded", status.FailedStatus, 2000}, // without an update for stallAfter
		{"running", "Progressing", status.InProgressStatus, 1000},
	} {
		raw := fmt.Sprintf(`{"id":"task-%d","type":"upload","status":{"phase":%q,"updatedAt":1000,"errorMessage":"no disk"}}`, i, want.phase)
		seen, err := mirror.Convert([]byte(raw), redact.New())
		g.Expect(err).NotTo(HaveOccurred())
		scope := plan.Scope{Namespace: "default", Source: "main", SourceUID: "uid-of-main", StalledBefore: want.stalledBefore}
		plan := plan.Plan(scope, []*mirror.Observation{seen}, func(string) (mirror.Entry, bool) { return mirror.Entry{}, false })
		task := plan.Actions[0].Desired
		wanted := task.Status
		g.Expect(c.Create(t.Context(), task)).To(Succeed())
		unwritten := stored(t, c, "LivepeerTask", task)
		g.Expect(check(unwritten)).To(Equal("Progressing"), "without a status")
		g.Expect(kstatus(t, unwritten)).To(Equal(status.InProgressStatus), "without a status")
		task.Status = wanted
		task.Status.ObservedGeneration = task.Generation
		for i := range task.Status.Conditions { // as the operator's writer does
			task.Status.Conditions[i].ObservedGeneration = task.Generation
		}
		g.Expect(c.Status().Update(t.Context(), task)).To(Succeed())
		object := stored(t, c, "LivepeerTask", task)
		g.Expect(check(object)).To(Equal(want.argo), want.phase)
		g.Expect(kstatus(t, object)).To(Equal(want.kstatus), want.phase)
	}
}

// What they say of sources. A source has Ready, and beside it Reconciling, Stalled, or neither.
func TestHealthOfSources(t *testing.T) {
	g := NewWithT(t)
	c := newClient(t)
	check := healthOf(t, v1alpha1.GroupVersion.Group+"_LivepeerTaskSource")
	source := &v1alpha1.LivepeerTaskSource{
		ObjectMeta: metav1.ObjectMeta{Name: "main", Namespace: "default"},
		Spec: v1alpha1.LivepeerTaskSourceSpec{
			SecretRef: v1alpha1.SecretReference{Name: "livepeer"},
			Interval:  metav1.Duration{Duration: time.Minute}, ResyncInterval: metav1.Duration{Duration: time.Hour},
			Timeout: metav1.Duration{Duration: time.Minute},
		},
	}
	g.Expect(c.Create(t.Context(), source)).To(Succeed())
	unwritten := stored(t, c, "LivepeerTaskSource", source)
	g.Expect(check(unwritten)).To(Equal("Progressing"), "without a status")
	g.Expect(kstatus(t, unwritten)).To(Equal(status.InProgressStatus), "without a status")
	for _, want := range []struct {
		reason, also, argo string
		kstatus            status.Status
	}{
		{v1alpha1.ReasonSynced, "", "Healthy", status.CurrentStatus},
		{v1alpha1.ReasonSuspended, "", "Suspended", status.CurrentStatus}, // Flux must not wait for it
		{v1alpha1.ReasonSyncing, v1alpha1.ConditionReconciling, "Progressing", status.InProgressStatus},
		{v1alpha1.ReasonUnavailable, v1alpha1.ConditionReconciling, "Progressing", status.InProgressStatus},
		{v1alpha1.ReasonUnauthorized, v1alpha1.ConditionStalled, "Degraded", status.FailedStatus},
	} {
		ready := metav1.Condition{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: want.reason, Message: "why",
			ObservedGeneration: source.Generation, LastTransitionTime: metav1.Now(),
		}
		source.Status.Conditions = []metav1.Condition{ready}
		if want.also == "" { // as the operator's setConditions does
			source.Status.Conditions[0].Status = metav1.ConditionTrue
		}
		if want.also != "" {
			ready.Type, ready.Status = want.also, metav1.ConditionTrue
			source.Status.Conditions = append(source.Status.Conditions, ready)
		}
		source.Status.Conditions = append(source.Status.Conditions, metav1.Condition{ // which makes no difference
			Type: v1alpha1.ConditionReceiving, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonInvalidWebhookSecret, Message: "why",
			ObservedGeneration: source.Generation, LastTransitionTime: metav1.Now(),
		})
		source.Status.ObservedGeneration = source.Generation
		g.Expect(c.Status().Update(t.Context(), source)).To(Succeed())
		object := stored(t, c, "LivepeerTaskSource", source)
		g.Expect(check(object)).To(Equal(want.argo), want.reason)
		g.Expect(kstatus(t, object)).To(Equal(want.kstatus), want.reason)
	}
	source.Spec.Suspend = !source.Spec.Suspend
	g.Expect(c.Update(t.Context(), source)).To(Succeed())
	object := stored(t, c, "LivepeerTaskSource", source)
	g.Expect(check(object)).To(Equal("Progressing"), "a spec that nobody has seen yet")
	g.Expect(kstatus(t, object)).To(Equal(status.InProgressStatus))
}

// stored is an object as the API server stores it.
func stored(t *testing.T, c client.Client, kind string, object client.Object) *unstructured.Unstructured {
	t.Helper()
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	NewWithT(t).Expect(c.Get(t.Context(), client.ObjectKeyFromObject(object), found)).To(Succeed())
	return found
}

func kstatus(t *testing.T, object *unstructured.Unstructured) status.Status {
	t.Helper()
	result, err := status.Compute(object)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return result.Status
}

// healthOf is the health check of a kind on the page of Argo CD.
func healthOf(t *testing.T, kind string) func(*unstructured.Unstructured) string {
	t.Helper()
	g := NewWithT(t)
	script := pageData(t, "resource.customizations.health."+kind)
	return func(object *unstructured.Unstructured) string {
		var health struct{ Status, Message string }
		g.Expect(json.Unmarshal(runLua(t, object, script), &health)).To(Succeed())
		g.Expect(health.Message).NotTo(BeEmpty())
		return health.Status
	}
}
