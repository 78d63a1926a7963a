// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestRequestsDoNotKeepFullSyncsFromEnding: people ask for a sync again and again, sooner than one takes. What is gone from Studio goes from
// the cluster all the same, and each request is answered by a full sync that began after it.
func TestRequestsDoNotKeepFullSyncsFromEnding(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	studio.Populate(1300, 1)
	var later, page atomic.Int64 // nanoseconds
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if livepeertest.IsList(r) {
			later.Add(page.Load())
		}
		studio.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	began := time.Now()
	api := kubetest.NewAPI(server.URL)
	api.Source.Spec.Interval.Duration, api.Source.Spec.Timeout.Duration = time.Second, time.Hour
	p := newProcess(t, api, func() time.Time { return began.Add(time.Duration(later.Load())) })
	p.rest()
	g.Expect(api.Tasks).To(HaveLen(1300))
	gone := studio.IDs()[0]
	studio.Purge(gone)
	page.Store(int64(400 * time.Millisecond)) // a step is over after a poll and two pages
	handled := ""
	for n := 1; n <= 40 && handled == ""; n++ {
		api.Annotate(v1alpha1.AnnotationRequestedAt, strconv.Itoa(n))
		handled = p.step().Handled
	}
	g.Expect(handled).NotTo(BeEmpty())
	page.Store(0)
	g.Expect(p.rest().Handled).To(Equal(api.Source.Annotations[v1alpha1.AnnotationRequestedAt]))
	g.Expect(api.Tasks).To(HaveLen(1299))
	g.Expect(api.Tasks).NotTo(HaveKey(gone))
}
