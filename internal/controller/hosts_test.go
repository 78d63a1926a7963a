// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestSourcesPointWhereTheyMay: a source that leads elsewhere says so and what to do, nothing is asked there, what is
// mirrored stays, and a corrected URL is enough to go on.
func TestSourcesPointWhereTheyMay(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	for name, tt := range map[string]struct{ url, message string }{
		"metadata":          {"http://169.254.169.254/api", "list that address in --allowed-hosts"},
		"mapped metadata":   {"https://[::ffff:169.254.169.254]/api", "list that address in --allowed-hosts"},
		"plain http abroad": {"http://studio.media.svc/api", "Use https"},
		"number":            {"https://2852039166/api", "Correct the URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mirroring(t, 5)
			w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = tt.url })
			ready := w.eventuallyReady("main", v1alpha1.ReasonInvalidURL)
			w.Expect(ready.Message).To(ContainSubstring(tt.message))
			conditions := w.getSource("main").Status.Conditions
			w.Expect(meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionStalled)).To(BeTrue())
			w.Expect(w.tasks()).To(HaveLen(5))
			w.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = w.server.URL + "/api" })
			w.eventuallyReady("main", v1alpha1.ReasonSynced)
			w.Expect(w.tasks()).To(HaveLen(5))
		})
	}
}

// TestAllowedHosts: what the cluster's administrator lists is all that a source may point to, and the key goes nowhere
// else.
func TestAllowedHosts(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	for list, ready := range map[string]string{
		"livepeer.studio":                v1alpha1.ReasonInvalidURL,
		"livepeer.studio, 127.0.0.1":     v1alpha1.ReasonSynced,
		"livepeer.studio, 127.0.0.0/8":   v1alpha1.ReasonSynced,
		"livepeer.studio, 127.0.0.1:443": v1alpha1.ReasonInvalidURL,
		"*":                              v1alpha1.ReasonSynced,
	} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.studio.Populate(5, 1)
			w.secret(livepeertest.APIKey)
			w.source("main")
			hosts, err := studio.ParseHosts(list)
			w.Expect(err).NotTo(HaveOccurred())
			w.startOperatorWith(ctrl.Options{}, controller.Config{Hosts: hosts})
			condition := w.eventuallyReady("main", ready)
			if ready == v1alpha1.ReasonSynced {
				w.Expect(w.tasks()).To(HaveLen(5))
				return
			}
			w.Expect(condition.Message).To(ContainSubstring("127.0.0.1 is not among the hosts that --allowed-hosts of the operator permits"))
			w.Expect(w.studio.Requests()).To(BeEmpty())
			w.Expect(w.tasks()).To(BeEmpty())
		})
	}
}

// startOperatorWith runs an operator with other settings than startOperator does.
func (w *world) startOperatorWith(options ctrl.Options, settings controller.Config) {
	w.t.Helper()
	config := rest.CopyConfig(operator)
	config.QPS = -1
	options.Scheme = scheme
	options.Controller = configWithoutNames()
	options.Cache = cache.Options{
		DefaultNamespaces: map[string]cache.Config{w.namespace: {}},
	}
	if options.Metrics.BindAddress == "" {
		options.Metrics = metricsserver.Options{BindAddress: "0"}
	}
	w.stop = w.startManager(config, options, settings)
}
