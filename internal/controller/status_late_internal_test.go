// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
)

// TestALateStatusIsRefused: what is to be said of a source does not get into one that was made anew under its name meanwhile, as by kubectl
// replace --force, nor over what was said of it since: such as that a full sync was carried through, or that it is Ready.
func TestALateStatusIsRefused(t *testing.T) {
	for name, meanwhile := range map[string]func(*v1alpha1.LivepeerTaskSource){
		"made anew": func(source *v1alpha1.LivepeerTaskSource) { source.UID = "another" },
		"changed":   func(source *v1alpha1.LivepeerTaskSource) { source.Status.LastHandledReconcileAt = "later" },
	} {
		g := NewWithT(t)
		api := kubetest.NewAPI("http://127.0.0.1:1")
		r := reconcilerOf(t, api)
		known := api.Source.DeepCopy()
		meanwhile(api.Source)
		api.Source.ResourceVersion = "11"
		stored := api.Source.DeepCopy()

		err := r.report(t.Context(), known, &sourcesync.Report{
			Ended: true, Judged: true, Outcome: sourcesync.Outcome{Reason: v1alpha1.ReasonSynced}, Handled: "sooner", FullSyncAt: time.Now(),
		})
		g.Expect(apierrors.IsConflict(err)).To(BeTrue(), "%s: %v", name, err)
		g.Expect(api.Source).To(Equal(stored), name)
	}
}
