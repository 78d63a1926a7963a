// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestTroubleIsNamedAndHeals: each trouble shows as its own reason with the next step, deletes nothing, and goes away by
// itself once it is mended.
func TestTroubleIsNamedAndHeals(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]struct {
		harm, mend      func(w *world)
		reason, message string
		stalled         bool
	}{
		"wrong key": {
			harm:   func(w *world) { w.secret("wrong-key-4711") },
			mend:   func(w *world) { w.secret(livepeertest.APIKey) },
			reason: v1alpha1.ReasonUnauthorized, message: "apiKey", stalled: true,
		},
		"no Secret": {
			harm: func(w *world) {
				w.Expect(w.client.Delete(w.ctx, &corev1.Secret{
					ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "livepeer"},
				})).To(Succeed())
			},
			mend:   func(w *world) { w.secret(livepeertest.APIKey) },
			reason: v1alpha1.ReasonSecretNotFound, message: `Secret "livepeer" not found: create it`, stalled: true,
		},
		"empty key": {
			harm:   func(w *world) { w.secret(" ") },
			mend:   func(w *world) { w.secret(livepeertest.APIKey) },
			reason: v1alpha1.ReasonInvalidSecret, message: `"apiKey" in Secret "livepeer" is empty`, stalled: true,
		},
		"suspended user": {
			harm:   func(w *world) { w.studio.Fault(livepeertest.Always(forbidden)) },
			mend:   func(w *world) { w.studio.Fault(nil) },
			reason: v1alpha1.ReasonForbidden, message: "user is suspended", stalled: true,
		},
		"HTML": {
			harm:   func(w *world) { w.studio.Fault(livepeertest.Always(livepeertest.HTML(http.StatusOK))) },
			mend:   func(w *world) { w.studio.Fault(nil) },
			reason: v1alpha1.ReasonMalformed, message: "HTML",
		},
		"gateway error": {
			harm:   func(w *world) { w.studio.Fault(livepeertest.Always(livepeertest.HTML(http.StatusBadGateway))) },
			mend:   func(w *world) { w.studio.Fault(nil) },
			reason: v1alpha1.ReasonUnavailable, message: "502",
		},
		"rate limit": {
			harm:   func(w *world) { w.studio.Fault(livepeertest.Always(livepeertest.RateLimited("2"))) },
			mend:   func(w *world) { w.studio.Fault(nil) },
			reason: v1alpha1.ReasonRateLimited, message: "429",
		},
		"unreachable": {
			harm: func(w *world) {
				w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = "http://127.0.0.1:1/api" })
			},
			mend: func(w *world) {
				w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = w.server.URL + "/api" })
			},
			reason: v1alpha1.ReasonUnavailable, message: "refuses connections",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mirroring(t, 30)
			trouble.harm(w)
			ready := w.eventuallyReady("main", trouble.reason)
			w.Expect(ready.Status).To(Equal(metav1.ConditionFalse))
			w.Expect(ready.Message).To(ContainSubstring(trouble.message))
			w.Expect(ready.Message).NotTo(Or(ContainSubstring("wrong-key-4711"), ContainSubstring(livepeertest.APIKey)))
			conditions := w.getSource("main").Status.Conditions
			w.Expect(meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionStalled)).To(Equal(trouble.stalled))
			w.Expect(meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReconciling)).To(Equal(!trouble.stalled))
			w.Expect(w.tasks()).To(HaveLen(30))
			trouble.mend(w)
			w.eventuallyReady("main", v1alpha1.ReasonSynced)
			w.Expect(w.tasks()).To(HaveLen(30))
		})
	}
}

var forbidden = livepeertest.Replace(http.StatusForbidden, "application/json", `{"errors":["user is suspended"]}`)

// TestErrorsSlowPollingDown: a failing API is asked no more often than a healthy one, and Retry-After is obeyed.
func TestErrorsSlowPollingDown(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 10)
	w.studio.Fault(livepeertest.Always(livepeertest.RateLimited("60")))
	w.eventuallyReady("main", v1alpha1.ReasonRateLimited)
	w.studio.ResetRequests()
	w.annotate("main", v1alpha1.AnnotationRequestedAt, "now, please")
	w.Consistently(w.studio.Requests, 3*time.Second, tick).Should(BeEmpty())
}

// TestSteadyTroubleIsWrittenOnce: a status that says the same again is not written again.
func TestSteadyTroubleIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 10)
	w.studio.Fault(livepeertest.Always(livepeertest.HTML(http.StatusBadGateway)))
	w.eventuallyReady("main", v1alpha1.ReasonUnavailable)
	version := w.getSource("main").ResourceVersion
	w.studio.ResetRequests()
	w.Eventually(w.asked, soon, tick).Should(BeNumerically(">=", 2))
	w.Expect(w.getSource("main").ResourceVersion).To(Equal(version))
}

// TestOneBadSourceDoesNotSlowTheOthers: one that hangs, for longer than the others are waited for.
func TestOneBadSourceDoesNotSlowTheOthers(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 10)
	asked, mended := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(asked) })
	var failed atomic.Int32
	hanging := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		once()
		select {
		case <-mended:
			out.WriteHeader(http.StatusBadGateway)
		case <-r.Context().Done():
			failed.Add(1)
		}
	}))
	t.Cleanup(hanging.Close)
	w.source("hanging", unhurried, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = hanging.URL })
	w.Eventually(asked, soon, tick).Should(BeClosed())
	for n := range 3 {
		task := livepeertest.Task{"id": fmt.Sprintf("new-%d", n)}
		completed(task)
		w.studio.Put(task)
		w.Eventually(w.tasks, soon, tick).Should(HaveLen(11 + n))
	}
	w.Expect(failed.Load()).To(BeZero(), "it does not hang any more")
	close(mended)
	w.Expect(w.eventuallyReady("hanging", v1alpha1.ReasonUnavailable).Message).NotTo(BeEmpty())
}

func TestSuspendStopsPolling(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 100)
	suspend := func(suspended bool) {
		w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Suspend = suspended })
	}
	suspend(true)
	w.Expect(w.eventuallyReady("main", v1alpha1.ReasonSuspended).Status).To(Equal(metav1.ConditionTrue), "nobody is to wait for it")
	w.studio.ResetRequests()
	id := w.aTask("running")
	w.studio.Update(id, completed)
	w.Consistently(w.studio.Requests, 3*time.Second, tick).Should(BeEmpty())
	suspend(false)
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Expect(w.task(id).Status.Phase).To(Equal("completed"))
}

// TestRotatedKeyTakesEffectAtOnce: not at the next poll, which is an hour away.
func TestRotatedKeyTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 10, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Interval.Duration = time.Hour })
	w.studio.AddKey("another-key", livepeertest.ProjectID)
	w.studio.RemoveKey(livepeertest.APIKey)
	w.studio.ResetRequests()
	w.secret("another-key")
	w.Eventually(func() int {
		for _, request := range w.studio.Requests() {
			if request.Status == http.StatusOK {
				return request.Status
			}
		}
		return 0
	}, soon, tick).Should(Equal(http.StatusOK))
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
}

// TestTwoSourcesOfOneAccount: in one namespace the first keeps the tasks, and the second says so.
func TestTwoSourcesOfOneAccount(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 10)
	w.source("second")
	ready := w.eventuallyReady("second", v1alpha1.ReasonConflict)
	w.Expect(ready.Message).To(ContainSubstring("10 tasks are mirrored by another LivepeerTaskSource"))
	tasks := w.tasks()
	w.Expect(tasks).To(HaveLen(10))
	for i := range tasks {
		w.Expect(tasks[i].Labels).To(HaveKeyWithValue(v1alpha1.LabelSource, "main"))
	}
}

// TestSourcesShareAnAccountByType: in one namespace, each with types of its own, nobody is in another's way.
func TestSourcesShareAnAccountByType(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 30, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = []string{"upload"} })
	w.source("second", func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.Types = []string{"clip", "export", "export-data", "transcode-file"}
	})
	w.eventuallyReady("second", v1alpha1.ReasonSynced)
	w.eventuallyEqual()
	w.resync("main", "after the other")
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	tasks := w.tasks()
	w.Expect(tasks).To(HaveLen(30))
	for i := range tasks {
		source := "second"
		if tasks[i].Spec.Type == "upload" {
			source = "main"
		}
		w.Expect(tasks[i].Labels).To(HaveKeyWithValue(v1alpha1.LabelSource, source))
		w.Expect(tasks[i].OwnerReferences).To(HaveExactElements(HaveField("Name", source)))
	}
}

// TestARecreatedSourceTakesItsTasksOver: without waiting for the garbage collector.
func TestARecreatedSourceTakesItsTasksOver(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 10)
	w.Expect(w.client.Delete(w.ctx, w.getSource("main"))).To(Succeed())
	source := w.source("main")
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	tasks := w.tasks()
	w.Expect(tasks).To(HaveLen(10))
	for i := range tasks {
		w.Expect(metav1.IsControlledBy(&tasks[i], source)).To(BeTrue())
	}
	w.Expect(w.client.Get(w.ctx, client.ObjectKeyFromObject(source), source)).To(Succeed())
}
