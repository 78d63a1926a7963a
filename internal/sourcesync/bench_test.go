// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// BenchmarkFullSync lists 1,000 tasks that have not changed. The simulated Studio, in the same process, is part of it; a
// profile tells them apart: go test -run '^$' -bench FullSync -cpuprofile cpu.prof ./internal/sourcesync
func BenchmarkFullSync(b *testing.B) {
	studio := livepeertest.NewServer()
	studio.Populate(1000, 1)
	server := httptest.NewServer(studio)
	defer server.Close()
	api := kubetest.NewAPI(server.URL)
	p := newProcess(b, api, time.Now)
	sync := func(request string) {
		api.Annotate(v1alpha1.AnnotationRequestedAt, request)
		for p.source().Status.LastHandledReconcileAt != request {
			p.step()
		}
	}
	sync("first")
	before := api.Writes
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		sync(fmt.Sprint(n))
	}
	if api.Writes != before {
		b.Fatalf("%d writes", api.Writes-before)
	}
}
