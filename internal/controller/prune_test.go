// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

func TestDeletesWhatIsGone(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 40)
	ids := w.studio.IDs()
	w.studio.Delete(ids[0])
	w.studio.Purge(ids[1])
	w.resync("main", "once")
	w.Expect(w.tasks()).To(HaveLen(38))
}

// TestKeepsWhatTheAPIDoesNotSayIsGone: a list that lacks a task is not enough.
func TestKeepsWhatTheAPIDoesNotSayIsGone(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	for name, fault := range map[string]livepeertest.Fault{
		"empty lists":      livepeertest.Says("[]"),
		"an error a task":  {},
		"forbidden to ask": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mirroring(t, 15)
			gone := w.studio.IDs()[0]
			w.studio.Fault(func(r *http.Request) livepeertest.Fault {
				switch {
				case livepeertest.IsList(r):
					return fault
				case name == "an error a task":
					return livepeertest.HTML(http.StatusBadGateway)
				case name == "forbidden to ask":
					return livepeertest.Replace(http.StatusForbidden, "application/json", `{"errors":["no"]}`)
				}
				return livepeertest.Fault{}
			})
			if name == "an error a task" {
				w.studio.Delete(gone)
				w.annotate("main", v1alpha1.AnnotationRequestedAt, "once")
				w.eventuallyReady("main", v1alpha1.ReasonUnavailable)
			} else {
				if name == "forbidden to ask" {
					w.studio.Delete(gone)
				}
				w.resync("main", "once")
			}
			w.Expect(w.tasks()).To(HaveLen(15))
		})
	}
}

// TestManyMissingTasksWaitForAConfirmation: a wrong key or project must not empty the mirror.
func TestManyMissingTasksWaitForAConfirmation(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 60)
	for _, id := range w.studio.IDs()[:40] {
		w.studio.Purge(id)
	}
	w.resync("main", "once")
	paused := w.eventuallyReady("main", v1alpha1.ReasonPruningPaused)
	w.Expect(paused.Status).To(Equal(metav1.ConditionFalse))
	w.Expect(paused.Message).To(ContainSubstring("40 of 60"))
	w.Expect(w.tasks()).To(HaveLen(60))

	token := regexp.MustCompile(`confirm-prune=(\w+)`).FindStringSubmatch(paused.Message)
	w.Expect(token).To(HaveLen(2))
	w.annotate("main", v1alpha1.AnnotationConfirmPrune, "wrong")
	w.Consistently(w.tasks, 2*time.Second, tick).Should(HaveLen(60))
	w.annotate("main", v1alpha1.AnnotationConfirmPrune, token[1])
	w.Eventually(w.tasks, soon, tick).Should(HaveLen(20))
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
}

// TestAnotherProjectEmptiesNothing: a key of another project brings other tasks, and none of the old ones.
func TestAnotherProjectEmptiesNothing(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 50)
	other := livepeertest.NewServer()
	other.Populate(200, 99)
	server := httptest.NewServer(other)
	t.Cleanup(server.Close)
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = server.URL + "/api" })
	paused := w.eventuallyReady("main", v1alpha1.ReasonPruningPaused)
	w.Expect(paused.Message).To(ContainSubstring("50 of 50"))
	w.Expect(w.tasks()).To(HaveLen(250))
	w.resync("main", "again")
	w.Expect(w.tasks()).To(HaveLen(250), "what the other one has does not lower the share of what is missing")
	w.Expect(w.eventuallyReady("main", v1alpha1.ReasonPruningPaused).Message).To(Equal(paused.Message))
}

func TestMaxAge(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 100)
	before := w.getSource("main").Status.Tasks
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.History.MaxAge = &metav1.Duration{Duration: 7 * 24 * time.Hour}
	})
	w.Eventually(func() int32 { return w.getSource("main").Status.Tasks.Omitted }, soon, tick).Should(BeNumerically(">", 0))
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	after := w.getSource("main").Status.Tasks
	w.Expect(after.Total + after.Omitted).To(Equal(before.Total))
	w.Expect(after.Running).To(Equal(before.Running))
	tasks := w.tasks()
	for i := range tasks {
		if tasks[i].IsFinished() {
			w.Expect(time.Since(tasks[i].Status.UpdatedAt.Time)).To(BeNumerically("<", 7*24*time.Hour+time.Hour))
		}
	}
}

func TestHistoryBoundsFinishedTasks(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 150, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.History.MaxTasks = ptr.To[int32](20) })
	status := w.getSource("main").Status.Tasks
	finished := status.Completed + status.Failed + status.Cancelled
	w.Expect(finished).To(BeEquivalentTo(20))
	w.Expect(status.Total + status.Omitted).To(BeEquivalentTo(150))

	// One more finished task pushes the oldest out.
	id := w.aTask("running")
	w.studio.Update(id, completed)
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
	count := func() int {
		n := 0
		for _, task := range w.tasks() {
			if task.IsFinished() {
				n++
			}
		}
		return n
	}
	w.Eventually(count, soon, tick).Should(Equal(20))

	// What history pruned does not come back, not even when there is room again.
	for _, task := range w.tasks() {
		if task.IsFinished() && task.Spec.ID != id {
			w.studio.Delete(task.Spec.ID)
		}
	}
	w.resync("main", "once")
	w.Eventually(count, soon, tick).Should(Equal(1))
	w.resync("main", "twice")
	w.Expect(count()).To(Equal(1))
}

func TestTypesNarrowAndWiden(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 60)
	narrow := func(types ...string) {
		w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = types })
	}
	narrow("clip")
	w.Eventually(func(g Gomega) {
		tasks := w.tasks()
		g.Expect(tasks).NotTo(BeEmpty())
		for i := range tasks {
			g.Expect(tasks[i].Spec.Type).To(Equal("clip"))
		}
	}, soon, tick).Should(Succeed())
	narrow()
	w.Eventually(w.tasks, soon, tick).Should(HaveLen(60))
}
