// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestNews: what began and ended while the operator was down is sent. What comes into the cluster because the spec changed
// is not, unless it is as new.
func TestNews(t *testing.T) {
	t.Parallel()
	sink := newEventSink(t)
	w := newWorld(t)
	put := func(n int, kind, phase string, age time.Duration) string {
		id := fmt.Sprintf("2e000000-0000-4000-8000-%012d", n)
		at := time.Now().Add(-age).UnixMilli()
		w.studio.Put(livepeertest.Task{"id": id, "type": kind, "createdAt": at, "status": map[string]any{"phase": phase, "updatedAt": at}})
		return id
	}
	put(1, "upload", "running", time.Hour)
	put(2, "clip", "completed", 2*time.Hour)
	w.secret(livepeertest.APIKey)
	w.source("main", sink.spec, func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.Types = []string{"upload"}
		spec.ResyncInterval = metav1.Duration{Duration: time.Hour}
	})
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.stop()

	while := put(3, "upload", "completed", 0)
	want := map[string][]string{while: {"completed"}}
	w.startOperator()
	w.Eventually(sink.phases, soon, tick).Should(Equal(want))

	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = nil })
	w.Eventually(func() int { return len(w.tasks()) }, soon, tick).Should(Equal(3))
	marker := put(4, "clip", "failed", 0)
	want[marker] = []string{"failed"}
	w.Eventually(sink.phases, soon, tick).Should(Equal(want))

	task := w.taskOf(while)
	w.Expect(w.client.Delete(w.ctx, task)).To(Succeed())
	w.Eventually(func() string { return w.phaseOf(while) }, soon, tick).Should(Equal("completed"))
	w.notified()
	w.Expect(sink.phases()).To(Equal(want)) // if it was sent again, then with the same ID
}
