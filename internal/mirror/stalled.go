// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// CanStall reports whether Studio should update a task in this phase now and then. A pending task may wait for somebody to upload
// its file.
func CanStall(phase string) bool {
	return phase == v1alpha1.PhaseWaiting || phase == v1alpha1.PhaseRunning
}

// showsStalled reports whether a status says that Studio has not updated the task for too long.
func showsStalled(status *v1alpha1.LivepeerTaskStatus) bool {
	condition := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled)
	return condition != nil && condition.Reason == v1alpha1.ReasonNoUpdate
}
