// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// awayAPI reads Secrets and tasks only while it is not away. Sources come from a cache.
type awayAPI struct {
	*kubetest.API

	away atomic.Bool
}

func (a *awayAPI) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, cached := obj.(*v1alpha1.LivepeerTaskSource); a.away.Load() && !cached {
		return apierrors.NewServiceUnavailable("not now")
	}
	if secret, ok := obj.(*corev1.Secret); ok {
		secret.Type, secret.Data = corev1.SecretTypeOpaque, map[string][]byte{secretKeySinkToken: []byte("token")}
		return nil
	}
	return a.API.Get(ctx, key, obj, opts...)
}

// TestEventsGoOnSoonAfterTheAPIServerIsBack, however long it was away: what could not be read is no fault of the sink's.
func TestEventsGoOnSoonAfterTheAPIServerIsBack(t *testing.T) {
	for name, secret := range map[string]*v1alpha1.SecretReference{"a task": nil, "a Secret": {Name: "events"}} {
		s := newSteps(t, 1)
		api := &awayAPI{API: s.api}
		api.away.Store(true)
		s.api.Source.Spec.Notify.CloudEvents.SecretRef = secret
		s.writer = taskstore.NewWriter(kubetest.Storage{Client: api}, api, s.index)
		s.sinks = NewSinks(credentials.NewWatcher(api, nil), "test", studio.Hosts{}, studio.NewPool())
		synctest.Test(t, func(t *testing.T) {
			g, queue := NewWithT(t), workqueue.NewTypedRateLimitingQueue(retries())
			defer queue.ShutDown()
			g.Expect(s.follow(t.Context(), queue)).To(Succeed())
			go func() {
				for {
					request, over := queue.Get()
					if over {
						return
					}
					_, _ = s.Reconcile(t.Context(), request)
					queue.Done(request)
				}
			}()
			<-time.After(time.Hour)
			api.away.Store(false)
			<-time.After(time.Minute)
			synctest.Wait()
			g.Expect(s.attempts.Load()).To(BeEquivalentTo(1), "%s could not be read", name)
			g.Expect(s.index.WaitingTasks()).To(BeZero())
		})
	}
}
