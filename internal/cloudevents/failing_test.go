// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
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
