// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// writes counts what the operators of this world have asked the API server to write of LivepeerTasks.
func (w *world) writes() int { return int(w.written.Load()) }

// countWrites counts those requests on their way.
func (w *world) countWrites(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet && slices.Contains(strings.Split(r.URL.Path, "/"), "livepeertasks") {
			w.written.Add(1)
		}
		return next.RoundTrip(r)
	})
}

// roundTripper is a function that is one.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// asked counts what Studio was asked.
func (w *world) asked() int { return len(w.studio.Requests()) }

// completed makes a Studio task complete now.
func completed(task livepeertest.Task) {
	task["status"] = map[string]any{"phase": "completed", "updatedAt": time.Now().UnixMilli()}
}

// aTask is a task of the account in this phase, oldest ID first.
func (w *world) aTask(phase string) string {
	w.t.Helper()
	for _, id := range w.studio.IDs() {
		task, _ := w.studio.Get(id)
		status, _ := task["status"].(map[string]any)
		if status["phase"] == phase && task["deleted"] != true {
			return id
		}
	}
	w.t.Fatalf("no task is %s", phase)
	return ""
}

func TestMirrorsEveryTaskAndThenRests(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 300)
	w.Expect(w.tasks()).To(HaveLen(w.studio.Len()))
	counts := w.getSource("main").Status.Tasks
	w.Expect(counts.Total).To(BeEquivalentTo(300))
	w.Expect(counts.Pending + counts.Waiting + counts.Running + counts.Completed + counts.Failed + counts.Cancelled +
		counts.Unknown).To(Equal(counts.Total))

	// At rest nothing is written, and a poll is one request with an empty answer once the overlap is behind.
	before := w.writes()
	rested := func() bool {
		requests := w.studio.Requests()
		return len(requests) > 2 && requests[len(requests)-1].Bytes <= 2 && requests[len(requests)-2].Bytes <= 2
	}
	w.Eventually(rested, soon, tick).Should(BeTrue())
	w.studio.ResetRequests()
	began := time.Now()
	w.Eventually(w.asked, soon, tick).Should(BeNumerically(">=", 4))
	polls := w.asked()
	w.Expect(polls).To(BeNumerically("<=", int(time.Since(began).Seconds())+2))
	w.Expect(w.writes()).To(Equal(before))
	for _, request := range w.studio.Requests() {
		w.Expect(request.Bytes).To(BeNumerically("<=", 2))
	}

	// A change is one write, and is there within a poll.
	id := w.aTask("running")
	w.studio.Update(id, completed)
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
	w.Consistently(w.writes, 3*time.Second, tick).Should(Equal(before + 1))
	task := w.task(id)
	w.Expect(*task.Status.Progress).To(BeEquivalentTo(100))
	w.Expect(task.Status.ObservedGeneration).To(Equal(task.Generation))
	w.Expect(meta.IsStatusConditionTrue(task.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue())
	w.Eventually(func() int32 { return w.getSource("main").Status.Tasks.Completed }, soon, tick).Should(Equal(counts.Completed + 1))
}

func TestFollowsNewTasksAndRetries(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 100)
	failed := w.aTask("failed")
	w.studio.Update(failed, func(task livepeertest.Task) {
		task["status"] = map[string]any{"phase": "waiting", "updatedAt": time.Now().UnixMilli(), "retries": 0}
	})
	w.studio.Put(livepeertest.Task{
		"id": "new-one", "type": "clip", "createdAt": time.Now().UnixMilli(),
		"status": map[string]any{"phase": "running", "progress": 0.29, "updatedAt": time.Now().UnixMilli()},
	})
	w.Eventually(func() string { return w.task(failed).Status.Phase }, soon, tick).Should(Equal("waiting"))
	w.Expect(w.task(failed).Status.ErrorMessage).To(BeEmpty())
	w.Eventually(func() bool { return len(w.tasks()) == 101 }, soon, tick).Should(BeTrue())
	w.Eventually(func() *int32 { return w.task("new-one").Status.Progress }, soon, tick).Should(HaveValue(BeEquivalentTo(29)))
	w.Expect(w.task("new-one").Labels).To(Equal(map[string]string{
		v1alpha1.LabelSource: "main", v1alpha1.LabelType: "clip",
	}))
}

// TestEmptyAccount: no tasks is a healthy state, and its zeros are to be seen.
func TestEmptyAccount(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 0)
	source := &unstructured.Unstructured{}
	source.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("LivepeerTaskSource"))
	w.Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "main"}, source)).To(Succeed())
	total, found, err := unstructured.NestedInt64(source.Object, "status", "tasks", "total")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(found).To(BeTrue())
	w.Expect(total).To(BeZero())
	w.studio.Populate(3, 7)
	w.Eventually(w.tasks, soon, tick).Should(HaveLen(3))
}

func TestFirstSyncIsNewestFirst(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 300)
	var order []string
	for _, request := range w.studio.Requests() {
		if strings.HasSuffix(request.Path, "/task") {
			order = append(order, request.Query.Get("order"))
		}
	}
	w.Expect(order[0]).To(HavePrefix("updatedAt-true"))
	w.Expect(w.tasks()).To(HaveLen(w.studio.Len()))
}

func TestSurvivesServersThatKnowLess(t *testing.T) {
	valuesOnly(t)
	for name, fault := range map[string]livepeertest.Fault{
		"ignores every parameter": livepeertest.IgnoreQuery(),
		"offsets only":            livepeertest.OffsetOnly(),
		"ignores the limit":       livepeertest.IgnoreLimit(),
		"Link always says next":   livepeertest.LinkAlways(),
		"Link says it is over":    livepeertest.LinkCursor("undefined"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.studio.Populate(300, 2)
			w.studio.Fault(livepeertest.Always(fault))
			w.secret(livepeertest.APIKey)
			w.source("main")
			w.startOperator()
			w.eventuallyReady("main", v1alpha1.ReasonSynced)
			w.Expect(w.tasks()).To(HaveLen(300))
			id := w.aTask("running")
			w.studio.Update(id, completed)
			w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
		})
	}
}

// TestRestartGoesOn: a restarted operator writes nothing, lists nothing in full, and follows what changed while it was
// away.
func TestRestartGoesOn(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 60)
	w.stop()
	before := w.writes()
	id := w.aTask("running")
	w.studio.Update(id, completed)
	w.studio.ResetRequests()
	w.startOperator()
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
	w.Expect(w.writes()).To(Equal(before + 1))
	for _, request := range w.studio.Requests() {
		w.Expect(request.Query.Get("filters")).To(ContainSubstring("updatedAt"), "a full listing: %s", request.Query)
		w.Expect(request.Status).To(Or(Equal(http.StatusOK), Equal(http.StatusNotModified)))
	}

	// A full sync finds nothing to write either: what is stored is what is mirrored, to the byte.
	w.resync("main", "once")
	w.Expect(w.writes()).To(Equal(before + 1))
}
