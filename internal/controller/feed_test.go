// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// versions are the resource versions of all tasks.
func (w *world) versions() map[string]string {
	w.t.Helper()
	versions := map[string]string{}
	tasks := w.tasks()
	for i := range tasks {
		versions[tasks[i].Name] = tasks[i].ResourceVersion
	}
	return versions
}

// TestTheNextLeaderKnowsWhatIsStored: a replica that waits sees what the leader writes; once it leads, it writes none of
// that again, sees what people do, and puts it right.
func TestTheNextLeaderKnowsWhatIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.secret(livepeertest.APIKey)
	w.source("main")
	_, account := w.installNamespaced()
	options := w.asInMain(w.namespace)
	options.RetryPeriod = new(200 * time.Millisecond)
	options.Metrics.BindAddress = "0"
	stopFirst := w.startManager(account, options, controller.Config{})
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.startManager(account, options, controller.Config{})
	w.studio.Populate(60, 1)
	id := w.aTask("running")
	w.resync("main", "first")
	w.Expect(w.tasks()).To(HaveLen(60))
	before := w.versions()
	stopFirst()
	w.resync("main", "second")
	w.Expect(w.versions()).To(Equal(before))

	w.studio.Update(id, completed)
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
	edited := w.task(id)
	patch := client.MergeFrom(edited.DeepCopy())
	edited.Status.Phase = "forged"
	w.Expect(w.client.Status().Patch(w.ctx, edited, patch)).To(Succeed())
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
	w.Expect(w.client.Delete(w.ctx, w.task(id))).To(Succeed())
	w.Eventually(w.tasks, soon, tick).Should(HaveLen(60))
}
