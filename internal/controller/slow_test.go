// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestAListThatTakesLongIsWaitedFor: as long as the manager waits for its caches, which then ends. Nothing but its options says how long
// that is, in any of its controllers.
func TestAListThatTakesLongIsWaitedFor(t *testing.T) {
	t.Parallel()
	const takes = 3 * time.Second
	for patience, ends := range map[time.Duration]bool{takes / 3: true, soon: false} {
		w := newWorld(t)
		w.studio.Populate(10, 1)
		w.secret(livepeertest.APIKey)
		w.source("main")
		config := rest.CopyConfig(operator)
		config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/livepeertasks") && r.Method == http.MethodGet && r.URL.Query().Get("watch") == "" {
					timer := time.NewTimer(takes)
					defer timer.Stop()
					select {
					case <-timer.C:
					case <-r.Context().Done():
					}
				}
				return next.RoundTrip(r)
			})
		})
		controllers := configWithoutNames()
		controllers.CacheSyncTimeout = patience
		options := ctrl.Options{
			Scheme: scheme, Controller: controllers, Metrics: metricsserver.Options{BindAddress: "0"},
			Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{w.namespace: {}}},
		}
		if ends {
			mgr, err := ctrl.NewManager(config, options)
			w.Expect(err).NotTo(HaveOccurred())
			w.Expect(controller.Setup(mgr, controller.Config{Namespaces: []string{w.namespace}})).To(Succeed())
			w.Expect(mgr.Start(w.ctx)).To(MatchError(ContainSubstring("timed out waiting for")))
			continue
		}
		w.startManager(config, options, controller.Config{})
		w.eventuallyReady("main", v1alpha1.ReasonSynced)
		w.Eventually(w.tasks, soon, tick).Should(HaveLen(10))
	}
}
