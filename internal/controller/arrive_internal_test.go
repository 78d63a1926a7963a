// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/session"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
	"github.com/livepeer/livepeer-task-operator/internal/webhook/backend"
)

// soon is for a machine that is busy with other things.
const soon = 4 * time.Minute

// troubledAPI answers questions for a Secret with an error, and counts them.
type troubledAPI struct {
	*kubetest.API
	err error
}

func (a *troubledAPI) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, ok := obj.(*corev1.Secret); ok {
		if a.err != nil {
			return a.err
		}
	}
	return a.API.Get(ctx, key, obj, opts...)
}

// List lists the only source.
func (a *troubledAPI) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*v1alpha1.LivepeerTaskSourceList).Items = []v1alpha1.LivepeerTaskSource{*a.Source}
	return nil
}

// TestASourceArrivesHoweverItsFirstReconcileEnds: otherwise it would keep out the webhooks of all others for as long as it is there.
func TestASourceArrivesHoweverItsFirstReconcileEnds(t *testing.T) {
	secrets := corev1.Resource("secrets")
	for name, c := range map[string]struct {
		err    error
		change func(source *v1alpha1.LivepeerTaskSource)
		reason string
	}{
		"well": {reason: v1alpha1.ReasonSynced},
		"a name that is no name, stored by an older CRD": {
			change: func(s *v1alpha1.LivepeerTaskSource) { s.Spec.SecretRef.Name = "a/b" }, reason: v1alpha1.ReasonInvalidSecret,
		},
		"another way out of the path": {
			change: func(s *v1alpha1.LivepeerTaskSource) { s.Spec.SecretRef.Name = ".." }, reason: v1alpha1.ReasonInvalidSecret,
		},
		"no Secret":         {err: apierrors.NewNotFound(secrets, "livepeer"), reason: v1alpha1.ReasonSecretNotFound},
		"a forbidden one":   {err: apierrors.NewForbidden(secrets, "livepeer", nil), reason: v1alpha1.ReasonForbidden},
		"API server broken": {err: apierrors.NewInternalError(errors.New("etcd")), reason: v1alpha1.ReasonWriteFailed},
		"API server gone":   {err: errors.New("connection refused"), reason: v1alpha1.ReasonWriteFailed},
		"suspended": {
			change: func(s *v1alpha1.LivepeerTaskSource) { s.Spec.Suspend = true }, reason: v1alpha1.ReasonSuspended,
		},
		"being deleted": {
			change: func(s *v1alpha1.LivepeerTaskSource) { s.DeletionTimestamp = &metav1.Time{Time: time.Now()} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			web := httptest.NewServer(livepeertest.NewServer())
			defer web.Close()
			api := &troubledAPI{API: kubetest.NewAPI(web.URL), err: c.err}
			r := reconcilerOf(t, api)
			if c.change != nil {
				c.change(api.Source)
			}
			key := client.ObjectKeyFromObject(api.Source)
			webhooks := backend.New(backend.Config{
				Client: api, Secret: r.connector.Sessions.WebhookSecret, Wake: r.waker.wake, Now: time.Now,
			})
			r.connector.Webhooks = webhooks
			// Whoever admits the sources is not heard of again: the reconcile has to do.
			g.Expect(webhooks.Admit(t.Context(), func(*v1alpha1.LivepeerTaskSource) { <-t.Context().Done() }, r.forget)).To(Succeed())
			reconcile := func() {
				_, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
				g.Expect(err).NotTo(HaveOccurred())
			}
			reconcile()
			g.Eventually(webhooks.RouteTo(r.engine).Complete, soon).Should(BeTrue())
			if c.reason == "" {
				return
			}
			var ready *metav1.Condition
			g.Eventually(func() string {
				reconcile()
				if ready = meta.FindStatusCondition(api.Source.Status.Conditions, v1alpha1.ConditionReady); ready == nil {
					return ""
				}
				return ready.Reason
			}, soon).Should(Equal(c.reason))
			if c.reason == v1alpha1.ReasonInvalidSecret {
				g.Expect(ready.Message).To(ContainSubstring("can't be the name of a Secret: correct it"))
			}
		})
	}
}

// reconcilerOf returns a reconciler that works with an API server in memory.
func reconcilerOf(t *testing.T, api client.Client) *SourceReconciler {
	t.Helper()
	index := taskstore.NewIndex()
	sessions := session.NewSessions(credentials.NewWatcher(api, nil), "test", studio.Hosts{}, studio.NewPool(), nil)
	r := &SourceReconciler{
		known:  func(string) bool { return true },
		client: api, index: index, last: map[client.ObjectKey]*reported{},
		connector: &session.Connector{Sessions: sessions}, waker: &waker{},
		writes: fair.NewGate(sourceWorkers, namespaceWriters),
	}
	r.engine = sourcesync.New(sourcesync.Config{
		Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: api}, api, index), Clock: clock.RealClock{}, Connect: r.connector.Connect, Wake: r.waker.wake,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.engine.Start(ctx)
	}()
	<-r.engine.Started()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}
