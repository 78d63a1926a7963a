// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// keepingTen mirrors an account with an old waiting task and 300 finished ones, of which history keeps 10.
func keepingTen(t *testing.T) *world {
	t.Helper()
	w := mirroring(t, 0, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.History.MaxTasks = ptr.To[int32](10) })
	long := time.Now().Add(-100 * 24 * time.Hour).UnixMilli()
	w.putRaw("old", "waiting", long)
	for i := range 300 {
		w.putRaw(fmt.Sprintf("done-%03d", i), "completed", long+int64(1+i)*60_000)
	}
	w.resync("main", "everything")
	w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Interval.Duration = 2 * time.Second }) // lists every task once more
	w.Eventually(func() int64 { return w.getSource("main").Status.ObservedGeneration }, soon, tick).Should(BeEquivalentTo(2))
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Eventually(w.tasks, soon, tick).Should(HaveLen(11))
	return w
}

func (w *world) putRaw(id, phase string, updatedAt int64) {
	w.t.Helper()
	w.Expect(w.studio.PutRaw(fmt.Appendf(nil,
		`{"id":%q,"type":"upload","createdAt":%d,"status":{"phase":%q,"updatedAt":%d}}`, id, updatedAt, phase, updatedAt))).To(Succeed())
}

// TestFullSyncReadsWhatHistoryKeeps: an account of which history keeps little is not read as a whole again and again.
func TestFullSyncReadsWhatHistoryKeeps(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := keepingTen(t)
	w.studio.ResetRequests()
	w.resync("main", "again")
	read := 0
	for _, request := range w.studio.Requests() {
		read += request.Bytes
	}
	w.Expect(read).To(BeNumerically("<", 50*150), "bytes read; 300 tasks of about 150 bytes are there")
	w.Expect(w.tasks()).To(HaveLen(11))
	w.Expect(w.getSource("main").Status.Tasks.Omitted).To(BeEquivalentTo(290))
}

// TestFullSyncOfHistoryMissesNothing: what has changed in Studio is in the cluster after it all the same.
func TestFullSyncOfHistoryMissesNothing(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := keepingTen(t)
	w.studio.Delete("done-299")
	w.Expect(w.studio.PutRaw(fmt.Appendf(nil, `{"id":"no-status","type":"clip","createdAt":%d}`, time.Now().UnixMilli()))).To(Succeed())
	w.resync("main", "again")
	w.Expect(w.names()).To(And(HaveLen(11), ContainElement("no-status"), Not(ContainElement("done-299"))))

	// That an older task is gone is no reason to delete it, before every task was listed.
	w.studio.Purge("old")
	w.resync("main", "once more")
	w.Eventually(w.names, soon, tick).ShouldNot(ContainElement("old"))
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
}

func (w *world) names() []string {
	w.t.Helper()
	var names []string
	tasks := w.tasks()
	for i := range tasks {
		names = append(names, tasks[i].Name)
	}
	return names
}

// TestSwappedAccountWithHistory: a key that shows another account deletes nothing, however little is listed.
func TestSwappedAccountWithHistory(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := mirroring(t, 0, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.History.MaxTasks = ptr.To[int32](50) })
	for i := range 300 {
		w.putRaw(fmt.Sprintf("done-%03d", i), "completed", time.Now().UnixMilli()-int64(i)*1000)
	}
	w.resync("main", "everything")
	w.resync("main", "again")
	for _, id := range w.studio.IDs() {
		w.studio.Delete(id)
	}
	w.annotate("main", v1alpha1.AnnotationRequestedAt, "swapped")
	w.eventuallyReady("main", v1alpha1.ReasonPruningPaused)
	w.Expect(w.tasks()).To(HaveLen(50))
}
