// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

// TestOneSourceKeepsNobodysWebhooksOut: where the operator may not read the Secret of one source, for itself or for its sink, or it does
// not exist, the others' webhooks are taken in all the same, also after a restart.
func TestOneSourceKeepsNobodysWebhooksOut(t *testing.T) {
	t.Parallel()
	p := &pushed{world: newWorld(t)}
	_, account := p.installNamespaced() // which may read the Secret "livepeer", and no other
	p.studio.Populate(10, 1)
	p.hookSecret(hookSecret)
	p.source("main")
	p.source("barred", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.SecretRef.Name = "another" })
	sink := newEventSink(t)
	p.source("mute", sink.spec, func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.Types = []string{"clip"}
		spec.Notify.CloudEvents.SecretRef = &v1alpha1.SecretReference{Name: "another"}
	})
	for range 2 {
		p.address = freeAddress(p.world)
		options := p.asInMain(p.namespace)
		options.Metrics = metricsserver.Options{BindAddress: "0"}
		options.LeaderElection = false
		stop := p.startManager(account, options, controller.Config{Receiver: &webhook.Config{Address: p.address}})
		p.eventuallyReady("barred", v1alpha1.ReasonForbidden)
		p.Expect(p.delivering("mute", v1alpha1.ReasonInvalidSink).Message).To(ContainSubstring("The operator lacks a right"))
		p.Eventually(func() int { return p.deliver(p.event(p.studio.IDs()[0])) }, soon, tick).Should(Equal(http.StatusAccepted))
		stop()
	}
}

// TestHangingSourcesKeepNobodysWebhooksOut: however many of them there are.
func TestHangingSourcesKeepNobodysWebhooksOut(t *testing.T) {
	t.Parallel()
	p := pushing(t, 10)
	p.stop()
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	for n := range 80 {
		p.source(fmt.Sprintf("a-%d", n), func(spec *v1alpha1.LivepeerTaskSourceSpec) { // before main in any order
			spec.URL, spec.Timeout = hanging.URL, metav1.Duration{Duration: 10 * time.Minute}
		})
	}
	p.start()
	p.push(p.studio.IDs()[0])
}

// TestAHangingTenantKeepsNobodyWaiting: 500 sources of one namespace whose API accepts and says nothing, for 10 minutes each. Another
// namespace's source is polled on, a new one is there soon, and so are both after a restart. The ones that hang say so.
func TestAHangingTenantKeepsNobodyWaiting(t *testing.T) {
	w := newWorld(t)
	tenant := newWorld(t)
	w.also = []string{tenant.namespace}
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	empty := httptest.NewServer(livepeertest.NewServer())
	t.Cleanup(empty.Close)
	w.studio.Populate(10, 1)
	w.secret(livepeertest.APIKey)
	tenant.secret(livepeertest.APIKey)
	w.source("main")
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	for n := range 500 {
		tenant.source(fmt.Sprint("hanging-", n), func(spec *v1alpha1.LivepeerTaskSourceSpec) {
			spec.URL, spec.Timeout = hanging.URL, metav1.Duration{Duration: 10 * time.Minute}
		})
	}
	for restart := range 2 {
		w.studio.ResetRequests()
		w.Eventually(w.asked, soon, tick).Should(BeNumerically(">=", 4), "polls go on")
		name := fmt.Sprint("new-", restart)
		w.source(name, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = empty.URL + "/api" })
		w.eventuallyReady(name, v1alpha1.ReasonSynced)
		id := w.studio.IDs()[restart]
		w.studio.Update(id, func(task livepeertest.Task) {
			task["status"] = map[string]any{"phase": "new", "updatedAt": time.Now().UnixMilli()}
		})
		w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("new"))
		silent := tenant.eventuallyReady("hanging-499", v1alpha1.ReasonUnavailable)
		w.Expect(silent.Message).To(ContainSubstring("No answer of"))
		if restart == 0 {
			w.stop()
			w.startOperator()
		}
	}
}
