// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestPollDoesNotWaitForWrites: in a first sync, with as many writes under way as may be and none of them ending, a poll
// is made when it is due. The API server here holds all writes, from the second page on, until Studio was polled.
func TestPollDoesNotWaitForWrites(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("no poll while writes are under way"))
	defer cancel()
	studio := livepeertest.NewServer()
	studio.Populate(2*firstPage, 1)
	server := httptest.NewServer(studio)
	defer server.Close()
	polled := make(chan struct{})
	seen := sync.OnceFunc(func() { close(polled) })
	studio.Fault(func(request *http.Request) livepeertest.Fault {
		if strings.Contains(request.URL.Query().Get("filters"), "gte") { // what changed since, as only a poll asks here
			seen()
		}
		return livepeertest.Fault{}
	})
	api := kubetest.NewAPI(server.URL)
	api.Source.Spec.Interval.Duration = time.Second
	api.Writing = func(_, _ *v1alpha1.LivepeerTask) {
		if len(api.Tasks) <= firstPage {
			return
		}
		select {
		case <-polled:
		case <-ctx.Done():
		}
	}
	p := newProcess(t, api, time.Now)
	for p.source().Status.LastFullSyncTime == nil && ctx.Err() == nil {
		p.step()
	}
	if err := context.Cause(ctx); err != nil {
		t.Fatal(err)
	}
	if len(api.Tasks) != studio.Len() || api.Writes != 2*studio.Len() {
		t.Errorf("%d of %d tasks, after %d writes", len(api.Tasks), studio.Len(), api.Writes)
	}
}
