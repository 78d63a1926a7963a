// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// mirroringThrough is mirroring with requests that are noted, and a poll an hour: all that happens sooner happens because
// of a watch.
func mirroringThrough(t *testing.T, requests *apiRecord, reason string, apiKey ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.studio.Populate(10, 1)
	for _, key := range apiKey {
		w.secret(key)
	}
	w.source("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Interval.Duration = time.Hour })
	w.startManager(requests.through(operator), ctrl.Options{
		Scheme: scheme, Controller: configWithoutNames(), Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{w.namespace: {}},
		},
	}, controller.Config{})
	w.eventuallyReady("main", reason)
	return w
}

// breakWatches ends the watches of Secrets that are open, as the API server does after some minutes.
func (r *apiRecord) breakWatches() {
	r.set(func() {
		for _, stream := range r.streams {
			_ = stream.Close()
		}
		r.streams = nil
	})
}

// watches counts the watches of Secrets that are open.
func (r *apiRecord) watches() (n int) {
	r.set(func() { n = len(r.streams) })
	return n
}

// TestSecretIsWatchedOnAndOn: a changed key is noticed after a watch has ended, and where it changed between two watches.
func TestSecretIsWatchedOnAndOn(t *testing.T) {
	t.Parallel()
	requests := &apiRecord{}
	w := mirroringThrough(t, requests, v1alpha1.ReasonSynced, livepeertest.APIKey)
	w.Eventually(requests.watches, soon, tick).Should(Equal(1))

	requests.breakWatches()
	w.Eventually(requests.watches, soon, tick).Should(Equal(1))
	w.secret("a-wrong-key")
	w.eventuallyReady("main", v1alpha1.ReasonUnauthorized)

	requests.set(func() { requests.noSecretWatches = true })
	requests.breakWatches()
	w.secret(livepeertest.APIKey)
	requests.set(func() { requests.noSecretWatches = false })
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
}

// TestMissingSecretIsWatched: the source goes on as soon as the Secret is there, and stops as soon as it is gone.
func TestMissingSecretIsWatched(t *testing.T) {
	t.Parallel()
	w := mirroringThrough(t, &apiRecord{}, v1alpha1.ReasonSecretNotFound)
	w.secret(livepeertest.APIKey)
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Expect(w.client.Delete(w.ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "livepeer"},
	})).To(Succeed())
	w.eventuallyReady("main", v1alpha1.ReasonSecretNotFound)
}

// TestSecretsAreAskedForByName: by get and watch of the one that a source refers to, and the watch tells its version only.
// What is in the Secret is read once for each change.
func TestSecretsAreAskedForByName(t *testing.T) {
	t.Parallel()
	requests := &apiRecord{}
	w := mirroringThrough(t, requests, v1alpha1.ReasonSynced, livepeertest.APIKey)
	w.Eventually(requests.watches, soon, tick).Should(Equal(1))
	for _, sync := range []string{"1", "2", "3"} {
		w.resync("main", sync)
	}
	gets := 0
	requests.set(func() {
		for _, request := range requests.secrets {
			w.Expect(request.Method).To(Equal(http.MethodGet))
			if request.URL.Query().Get("watch") != "true" {
				w.Expect(request.URL.Path).To(HaveSuffix("/secrets/livepeer"))
				gets++
				continue
			}
			w.Expect(request.URL.Query().Get("fieldSelector")).To(Equal("metadata.name=livepeer"))
			w.Expect(request.Header.Get("Accept")).To(Equal("application/json;as=Table;g=meta.k8s.io;v=v1"))
			w.Expect(request.URL.Query().Get("includeObject")).To(Equal("None"))
		}
	})
	w.Expect(gets).To(BeNumerically("<=", 2), "once, and once more where the watch was not yet there")
}

// TestASecretThatLooksTheSameIsTheSame: labels, annotations and entries that nobody uses cost no request to Studio, and break no
// Retry-After. What is in use takes effect at once.
func TestASecretThatLooksTheSameIsTheSame(t *testing.T) {
	t.Parallel()
	requests := &apiRecord{}
	w := mirroringThrough(t, requests, v1alpha1.ReasonSynced, livepeertest.APIKey)
	w.Eventually(requests.watches, soon, tick).Should(Equal(1))
	reads := func() (n int) {
		requests.set(func() {
			for _, request := range requests.secrets {
				if request.URL.Query().Get("watch") != "true" {
					n++
				}
			}
		})
		return n
	}
	touches := 0
	touch := func(change func(*corev1.Secret)) {
		before := reads()
		// Again, where a read was under way that showed the change already: then there is nothing left to look at.
		w.Eventually(func() int {
			secret := &corev1.Secret{}
			w.Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "livepeer"}, secret)).To(Succeed())
			change(secret)
			touches++
			metav1.SetMetaDataAnnotation(&secret.ObjectMeta, "touches", fmt.Sprint(touches))
			w.Expect(w.client.Update(w.ctx, secret)).To(Succeed())
			return reads()
		}, soon, 5*tick).Should(BeNumerically(">", before), "the change is looked at")
	}
	harmless := func() {
		for n := range 4 {
			touch(func(s *corev1.Secret) { metav1.SetMetaDataAnnotation(&s.ObjectMeta, "touched", fmt.Sprint(n)) })
			touch(func(s *corev1.Secret) { s.Data["unused"] = []byte(fmt.Sprint(n)) })
		}
	}
	asked := w.asked()
	harmless()
	w.Consistently(w.asked, 500*time.Millisecond, tick).Should(Equal(asked))

	w.studio.Fault(func(*http.Request) livepeertest.Fault { return livepeertest.RateLimited("3000") })
	w.annotate("main", v1alpha1.AnnotationRequestedAt, "throttled")
	w.eventuallyReady("main", v1alpha1.ReasonRateLimited)
	asked = w.asked()
	harmless()
	w.Consistently(w.asked, 500*time.Millisecond, tick).Should(Equal(asked), "Retry-After holds")
	w.studio.Fault(nil)

	touch(func(s *corev1.Secret) { s.Data["apiKey"] = []byte("a-wrong-key") })
	w.eventuallyReady("main", v1alpha1.ReasonUnauthorized)
	w.secret(livepeertest.APIKey)
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
}
