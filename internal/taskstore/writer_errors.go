// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// WriteError says that the API server can't be written to for now. The task itself is not the cause.
type WriteError struct {
	Verb plan.Verb
	Err  error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("%s a LivepeerTask: %v", e.Verb, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// Refused reports whether the API server refuses to store or delete this object, now and later.
func Refused(err error) bool {
	if Terminating(err) {
		return false
	}
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err) ||
		apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err)
}

// Terminating reports whether namespace or CRD are being deleted: the task is not the cause. For the CRD, only the error's text tells.
func Terminating(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || (apierrors.IsForbidden(err) ||
		apierrors.IsMethodNotSupported(err)) && strings.Contains(err.Error(), "custom resource definition is terminating")
}

// overtaken reports whether somebody else has written or deleted the object since the action was planned.
func overtaken(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

// changedSince returns the conflict that the API server would return for a task that has changed since the action was planned.
func changedSince(task *v1alpha1.LivepeerTask) error {
	return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), task.Name,
		errors.New("changed since it was planned for"))
}
