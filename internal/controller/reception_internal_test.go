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
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/cloudevents"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// troubledAPI answers questions for a Secret with an error, and counts them.
type troubledAPI struct {
	*kubetest.API
	err   error
	asked int
}

func (a *troubledAPI) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, ok := obj.(*corev1.Secret); ok {
		a.asked++
		if a.err != nil {
			return a.err
		}
	}
	return a.API.Get(ctx, key, obj, opts...)
}

// TestASourceArrivesHoweverItsFirstTurnEnds: otherwise it would keep out the webhooks of all others for as long as it is there.
func TestASourceArrivesHoweverItsFirstTurnEnds(t *testing.T) {
	secrets := corev1.Resource("secrets")
	for name, c := range map[string]struct {
		err    error
		change func(source *v1alpha1.LivepeerTaskSource)
		asked  int
		reason string
	}{
		"well": {asked: 1, reason: v1alpha1.ReasonSynced},
		"a name that is no name, stored by an older CRD": {
			change: func(s *v1alpha1.LivepeerTaskSource) { s.Spec.SecretRef.Name = "a/b" }, reason: v1alpha1.ReasonInvalidSecret,
		},
		"another way out of the path": {
			change: func(s *v1alpha1.LivepeerTaskSource) { s.Spec.SecretRef.Name = ".." }, reason: v1alpha1.ReasonInvalidSecret,
		},
		"no Secret":         {err: apierrors.NewNotFound(secrets, "livepeer"), asked: 1, reason: v1alpha1.ReasonSecretNotFound},
		"a forbidden one":   {err: apierrors.NewForbidden(secrets, "livepeer", nil), asked: 1, reason: v1alpha1.ReasonForbidden},
		"API server broken": {err: apierrors.NewInternalError(errors.New("etcd")), asked: 1, reason: v1alpha1.ReasonUnavailable},
		"API server gone":   {err: errors.New("connection refused"), asked: 1, reason: v1alpha1.ReasonUnavailable},
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
			r := reconcilerOf(api.API, time.Now)
			r.secrets.live = api
			if c.change != nil {
				c.change(api.Source)
			}
			key := sourceKey(api.Source)
			r.reception.on, r.reception.listed = true, true
			r.reception.awaited = map[types.NamespacedName]struct{}{key: {}}
			_, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(r.reception.ready()).To(BeTrue())
			g.Expect(api.asked).To(Equal(c.asked))
			if c.reason == "" {
				return
			}
			ready := meta.FindStatusCondition(api.Source.Status.Conditions, v1alpha1.ConditionReady)
			g.Expect(ready).To(HaveField("Reason", c.reason), "%v", ready)
			if c.reason == v1alpha1.ReasonInvalidSecret {
				g.Expect(ready.Message).To(ContainSubstring("can't be the name of a Secret: correct it"))
			}
		})
	}
}

// TestASinksSecretIsNamedAsTrouble: in the condition, whatever is wrong with the reference.
func TestASinksSecretIsNamedAsTrouble(t *testing.T) {
	for name, c := range map[string]struct{ secret, says string }{
		"no name":   {"a/b", `notify.cloudEvents.secretRef.name "a/b" can't be the name of a Secret`},
		"forbidden": {"kept", "The operator lacks a right in this cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			api := &troubledAPI{API: kubetest.NewAPI(""), err: apierrors.NewForbidden(corev1.Resource("secrets"), "kept", nil)}
			source := kubetest.ASource()
			source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{
				Sink: "https://sink.example", SecretRef: &v1alpha1.SecretReference{Name: c.secret},
			}}
			_, err := newSinks(newSecretStore(api, nil), "test", studio.Hosts{}).get(t.Context(), source)
			trouble, ok := errors.AsType[*cloudevents.Error](err)
			g.Expect(ok).To(BeTrue(), "%v", err)
			g.Expect(trouble.Kind).To(Equal(cloudevents.Unusable))
			g.Expect(trouble.Message).To(ContainSubstring(c.says))
		})
	}
}
