// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// listingAPI lists the only source.
type listingAPI struct{ *kubetest.API }

func (a *listingAPI) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*v1alpha1.LivepeerTaskSourceList).Items = []v1alpha1.LivepeerTaskSource{*a.Source}
	return nil
}

// TestSourcesThatAreThereHaveTheirTurn: what a controller hears of first comes after all else, and so might never come.
func TestSourcesThatAreThereHaveTheirTurn(t *testing.T) {
	g := NewWithT(t)
	api := &listingAPI{kubetest.NewAPI("")}
	r := New(Config{
		Client: api, Index: taskstore.NewIndex(), Sinks: NewSinks(credentials.NewWatcher(api, nil), "test", studio.Hosts{}, studio.NewPool()),
		Indexed: func() bool { return true },
	})
	queue := priorityqueue.New[reconcile.Request]("test")
	defer queue.ShutDown()
	key := client.ObjectKeyFromObject(api.Source)
	queue.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(handler.LowPriority)}, reconcile.Request{NamespacedName: key})
	g.Expect(r.follow(t.Context(), queue)).To(Succeed())
	request, priority, _ := queue.GetWithPriority()
	g.Expect(request.NamespacedName).To(Equal(key))
	g.Expect(priority).To(BeZero())
}
