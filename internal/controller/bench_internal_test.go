// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/livepeer/livepeertest"
)

// BenchmarkFullSync lists 1,000 tasks that have not changed. The simulated Studio, in the same process, is part of it; a
// profile tells them apart: go test -run '^$' -bench FullSync -cpuprofile cpu.prof ./internal/controller
func BenchmarkFullSync(b *testing.B) {
	studio := livepeertest.NewServer()
	studio.Populate(1000, 1)
	server := httptest.NewServer(studio)
	defer server.Close()
	source := aSource()
	source.Spec.URL = server.URL + "/api"
	source.Spec.Timeout.Duration = time.Minute
	api := &memoryAPI{
		source: source, tasks: map[string]*v1alpha1.LivepeerTask{}, writing: func(_, _ *v1alpha1.LivepeerTask) {},
		secret: &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "livepeer", UID: "secret", ResourceVersion: "1"},
			Data:       map[string][]byte{secretKeyAPIKey: []byte(livepeertest.APIKey)},
		},
	}
	index, secrets := newTaskIndex(), newSecretStore(api, nil)
	r := &SourceReconciler{
		client: api, secrets: secrets, index: index, writer: newWriter(api, api, index),
		sessions: &sessions{secrets: secrets, open: map[types.NamespacedName]*session{}}, now: time.Now,
		states: map[types.NamespacedName]*progress{}, indexed: func() bool { return true },
	}
	sync := func(request string) {
		api.annotate(v1alpha1.AnnotationRequestedAt, request)
		for api.source.Status.LastHandledReconcileAt != request {
			if _, err := r.Reconcile(b.Context(), reconcile.Request{NamespacedName: sourceKey(source)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	sync("first")
	before := api.writes
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		sync(fmt.Sprint(n))
	}
	if api.writes != before {
		b.Fatalf("%d writes", api.writes-before)
	}
}
