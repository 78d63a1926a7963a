// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// TestErrorsOfWrites: what an API server's error means for a write, and for the others of the same plan.
func TestErrorsOfWrites(t *testing.T) {
	kind := schema.GroupResource{Group: "studio.livepeer.org", Resource: "livepeertasks"}
	cause := errors.New("cause")
	for name, c := range map[string]struct {
		err                error
		refused, overtaken bool
	}{
		"invalid":      {apierrors.NewInvalid(schema.GroupKind{}, "a", nil), true, false},
		"bad request":  {apierrors.NewBadRequest("no"), true, false},
		"too large":    {apierrors.NewRequestEntityTooLargeError("no"), true, false},
		"forbidden":    {apierrors.NewForbidden(kind, "a", cause), true, false},
		"wrong method": {apierrors.NewMethodNotSupported(kind, "create"), true, false},
		"CRD on its way": {&apierrors.StatusError{ErrStatus: metav1.Status{
			Reason: metav1.StatusReasonMethodNotAllowed, Message: "create not allowed while custom resource definition is terminating",
		}}, false, false},
		"namespace on its way": {&apierrors.StatusError{ErrStatus: metav1.Status{
			Reason: metav1.StatusReasonForbidden, Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}},
		}}, false, false},
		"conflict":         {apierrors.NewConflict(kind, "a", cause), false, true},
		"exists":           {apierrors.NewAlreadyExists(kind, "a"), false, true},
		"not found":        {apierrors.NewNotFound(kind, "a"), false, true},
		"timeout":          {apierrors.NewTimeoutError("no", 1), false, false},
		"too many":         {apierrors.NewTooManyRequests("no", 1), false, false},
		"internal":         {apierrors.NewInternalError(cause), false, false},
		"unavailable":      {apierrors.NewServiceUnavailable("no"), false, false},
		"unauthorized":     {apierrors.NewUnauthorized("no"), false, false},
		"no connection":    {cause, false, false},
		"wrapped conflict": {fmt.Errorf("x: %w", apierrors.NewConflict(kind, "a", cause)), false, true},
	} {
		if Refused(c.err) != c.refused || overtaken(c.err) != c.overtaken {
			t.Errorf("%s: refused %v, overtaken %v", name, Refused(c.err), overtaken(c.err))
		}
		out := &Written{Writes: map[plan.Verb]int{}, Refused: map[string]error{}}
		err := out.record(t.Context(), &plan.Action{Verb: plan.Update, Observation: &mirror.Observation{ID: "a"}}, c.err)
		var write *WriteError
		if errors.As(err, &write) == c.refused || (out.Refused["a"] != nil) != c.refused || out.Writes[plan.Update] != 0 {
			t.Errorf("%s: stops the others: %v; %+v", name, err, out)
		}
		if write != nil && (write.Verb != plan.Update || !errors.Is(err, c.err)) {
			t.Errorf("%s: %v", name, err)
		}
		// A deletion by a limit follows from no observation: the stored task is named.
		limit := &plan.Action{Verb: plan.Delete, Stored: mirror.Entry{Shown: mirror.Shown{ID: "b"}}}
		if err := out.record(t.Context(), limit, c.err); errors.As(err, &write) == c.refused || (out.Refused["b"] != nil) != c.refused {
			t.Errorf("%s: by a limit: %v", name, err)
		}
	}
}

func TestNote(t *testing.T) {
	out := &Written{Writes: map[plan.Verb]int{}, Refused: map[string]error{}}
	for range 2 {
		if err := out.record(t.Context(), &plan.Action{Verb: plan.Create}, nil); err != nil {
			t.Error(err)
		}
	}
	var write *WriteError
	late := fmt.Errorf("dial tcp 10.0.0.1:443: %w", context.DeadlineExceeded)
	if err := out.record(t.Context(), &plan.Action{Verb: plan.Create}, late); !errors.As(err, &write) {
		t.Errorf("a time-out of the API server is its own: %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := out.record(stopped, &plan.Action{Verb: plan.Create}, late); !errors.Is(err, context.Canceled) || errors.As(err, new(*WriteError)) {
		t.Errorf("nobody is to blame where the operator stops: %v", err)
	}
	if out.Writes[plan.Create] != 2 || len(out.Refused) != 0 {
		t.Errorf("%+v", out)
	}
}

// TestWithController: an object has one controller; other owners stay.
func TestWithController(t *testing.T) {
	ours := metav1.OwnerReference{Name: "main", UID: "main", Controller: new(true)}
	other := metav1.OwnerReference{Name: "x", UID: "x"}
	plain := metav1.OwnerReference{Name: "y", UID: "y", Controller: new(false)}
	for name, c := range map[string]struct{ before, want []metav1.OwnerReference }{
		"none":             {nil, []metav1.OwnerReference{ours}},
		"ours":             {[]metav1.OwnerReference{ours}, []metav1.OwnerReference{ours}},
		"ours, changed":    {[]metav1.OwnerReference{{Name: "edited", UID: "main"}}, []metav1.OwnerReference{ours}},
		"another controls": {[]metav1.OwnerReference{{Name: "z", UID: "z", Controller: new(true)}}, []metav1.OwnerReference{ours}},
		"others":           {[]metav1.OwnerReference{other, ours, plain}, []metav1.OwnerReference{ours, other, plain}},
	} {
		if diff := cmp.Diff(c.want, withController(c.before, ours)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
