// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// failingAPI may fail before a status is stored.
type failingAPI struct {
	*kubetest.API

	failing bool
}

func (a *failingAPI) Status() client.SubResourceWriter {
	return &failingStatus{SubResourceWriter: a.API.Status(), api: a}
}

type failingStatus struct {
	client.SubResourceWriter
	api *failingAPI
}

func (s *failingStatus) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	if s.api.failing {
		return apierrors.NewServiceUnavailable("not now")
	}
	return s.SubResourceWriter.Update(ctx, obj, opts...)
}

// oddAPI shows no task: whoever asks for one meets a fault of the operator.
type oddAPI struct{ *kubetest.API }

func (a *oddAPI) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, ok := obj.(*v1alpha1.LivepeerTask); ok {
		panic("odd")
	}
	return a.API.Get(ctx, key, obj, opts...)
}

// TestAFaultWithOneTaskEndsNoProcess: neither while events are sent, nor while they are dropped. It is tried again after a pause.
func TestAFaultWithOneTaskEndsNoProcess(t *testing.T) {
	s := newSteps(t, 3)
	well := s.writer
	s.writer = taskstore.NewWriter(kubetest.Storage{Client: s.api}, &oddAPI{s.api}, s.index)
	s.Expect(s.step()).To(BeNumerically(">", 0))
	s.free()
	notify := s.api.Source.Spec.Notify
	s.api.Source.Spec.Notify = nil
	_, err := s.Reconciler.step(t.Context(), client.ObjectKeyFromObject(s.api.Source))
	_, fault := errors.AsType[*condition.Fault](err)
	s.Expect(fault).To(BeTrue(), "%v", err)
	s.free()
	s.api.Source.Spec.Notify, s.writer = notify, well
	s.Expect(s.step()).To(BeZero())
	s.Expect(s.attempts.Load()).To(BeEquivalentTo(3))
}
