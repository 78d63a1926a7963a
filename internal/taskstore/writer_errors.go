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

// WriteError says that the API server can't be written to for now. Nothing is wrong with the task itself.
type WriteError struct {
	Verb plan.Verb
	Err  error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("%s a LivepeerTask: %v", e.Verb, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// Refused reports whether the API server will not store or delete this very object, now or later.
func Refused(err error) bool {
	if Terminating(err) {
		return false
	}
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err) ||
		apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err)
}

// Terminating reports whether namespace or CRD are being deleted, which says nothing of the task. For the CRD there is only the text.
func Terminating(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || (apierrors.IsForbidden(err) ||
		apierrors.IsMethodNotSupported(err)) && strings.Contains(err.Error(), "custom resource definition is terminating")
}

// overtaken reports whether somebody else wrote or deleted the object since it was planned for.
func overtaken(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

// changedSince says that a task is no longer what was planned for, as the API server would.
func changedSince(task *v1alpha1.LivepeerTask) error {
	return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), task.Name,
		errors.New("changed since it was planned for"))
}
