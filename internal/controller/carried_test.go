// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// of counts the tasks with one of these IDs.
func (w *world) of(ids []string) (n int) {
	for _, task := range w.tasks() {
		if slices.Contains(ids, task.Spec.ID) {
			n++
		}
	}
	return n
}

// away lets Studio be out of order until the operator has noticed, and work is over.
func (w *world) away(work func()) {
	w.studio.Fault(livepeertest.Always(livepeertest.HTML(http.StatusBadGateway)))
	w.eventuallyReady("main", v1alpha1.ReasonUnavailable)
	work()
	w.studio.Fault(nil)
}

// restart replaces the operator.
func (w *world) restart() {
	w.stop()
	w.startOperator()
}

// TestADeletionThatWaitsIsNotForgotten: most tasks are gone from Studio, which waits for a confirmation, and new ones come. Neither a
// suspension nor a restart while the source says something else makes the new ones count.
func TestADeletionThatWaitsIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(w *world){
		"suspended for a moment": func(w *world) {
			w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Suspend = true })
			w.eventuallyReady("main", v1alpha1.ReasonSuspended)
			w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Suspend = false })
		},
		"restarted while Studio was away": func(w *world) {
			w.away(w.restart)
			w.resync("main", "after the restart")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mirroring(t, 60)
			gone := w.studio.IDs()[:40]
			for _, id := range gone {
				w.studio.Purge(id)
			}
			w.resync("main", "once")
			w.eventuallyReady("main", v1alpha1.ReasonPruningPaused)
			w.studio.Populate(30, 5)
			w.resync("main", "twice")
			w.Expect(w.getSource("main").Status.MirroredBefore).To(HaveValue(BeEquivalentTo(60)))
			between(w)
			w.eventuallyReady("main", v1alpha1.ReasonPruningPaused)
			w.Expect(w.of(gone)).To(Equal(40))
		})
	}
}

// TestASpecIsCarriedThroughARestart: the operator is replaced after it has seen another spec, and before a full sync by it was over.
func TestASpecIsCarriedThroughARestart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after func(spec *v1alpha1.LivepeerTaskSourceSpec)
		want          func(w *world) bool
	}{
		"history is raised": {
			func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.History.MaxTasks = ptr.To[int32](5) },
			func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.History.MaxTasks = ptr.To[int32](1000) },
			func(w *world) bool { return len(w.tasks()) == 60 },
		},
		"other types": {
			func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = []string{"upload"} },
			func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = []string{"clip", "export"} },
			func(w *world) bool {
				return len(w.tasks()) > 0 && !slices.ContainsFunc(w.tasks(), func(task v1alpha1.LivepeerTask) bool { return task.Spec.Type == "upload" })
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mirroring(t, 60, c.before, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.ResyncInterval.Duration = time.Hour })
			w.away(func() {
				w.respec("main", c.after)
				w.Eventually(func() bool {
					source := w.getSource("main")
					return source.Status.ObservedGeneration == source.Generation
				}, soon, tick).Should(BeTrue())
				w.restart()
			})
			w.Eventually(func() bool { return c.want(w) }, soon, tick).Should(BeTrue())
			w.Eventually(func() bool {
				source := w.getSource("main")
				return source.Status.SyncedGeneration == source.Generation && source.Status.MirroredBefore == nil
			}, soon, tick).Should(BeTrue())
		})
	}
}

// TestAnotherAccountAndARollout: spec.url is changed to another account, and the operator is replaced in the middle of its first full sync. The
// new tasks don't outnumber the old ones.
func TestAnotherAccountAndARollout(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 50)
	old := w.studio.IDs()
	other := livepeertest.NewServer()
	other.Populate(1000, 99)
	server := httptest.NewServer(other)
	t.Cleanup(server.Close)
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = server.URL + "/api" })
	w.Eventually(func() int { return len(w.tasks()) }, soon, tick).Should(BeNumerically(">", 150))
	w.restart()
	w.eventuallyReady("main", v1alpha1.ReasonPruningPaused)
	w.Expect(w.of(old)).To(Equal(50))
}

// TestARequestIsTakenBack: who removes the annotation that asked for a sync asks for nothing, and nothing is written from then on.
func TestARequestIsTakenBack(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 10)
	w.resync("main", "once")
	before := w.getSource("main")
	after := before.DeepCopy()
	delete(after.Annotations, v1alpha1.AnnotationRequestedAt)
	w.Expect(w.client.Patch(w.ctx, after, client.MergeFrom(before))).To(Succeed())
	w.Consistently(func() string { return w.getSource("main").ResourceVersion }, 4*time.Second, tick).Should(Equal(after.ResourceVersion))
	w.Expect(w.getSource("main").Status.LastHandledReconcileAt).To(Equal("once"))
}
