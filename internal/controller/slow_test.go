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

// TestAListThatTakesLongIsWaitedFor: longer than a manager waits for its caches, which then ends. Where there are very many tasks, or the API
// server is slow, the operator would begin again and again.
func TestAListThatTakesLongIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.studio.Populate(10, 1)
	w.secret(livepeertest.APIKey)
	w.source("main")
	const patience = time.Second
	config := rest.CopyConfig(operator)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/livepeertasks") && r.Method == http.MethodGet && r.URL.Query().Get("watch") == "" {
				timer := time.NewTimer(3 * patience)
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
	w.startManager(config, ctrl.Options{
		Scheme: scheme, Controller: controllers, Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{w.namespace: {}}},
	}, controller.Config{})
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Eventually(w.tasks, soon, tick).Should(HaveLen(10))
}
