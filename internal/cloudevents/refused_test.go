// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestRefusedEventsHoldUpNoOthers: a sink refuses the events of one type of task, of which hundreds wait. For twelve hours, each event of
// another type arrives in the step that follows.
func TestRefusedEventsHoldUpNoOthers(t *testing.T) {
	s := newSteps(t, 0)
	now := time.Now()
	var taken, refused atomic.Int64
	s.now = func() time.Time { return now }
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct{ Data Data }
		_ = json.NewDecoder(r.Body).Decode(&event)
		if event.Data.Type == "export" {
			refused.Add(1)
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		taken.Add(1)
	}))
	t.Cleanup(sink.Close)
	s.api.Source.Spec.Notify.CloudEvents.Sink = sink.URL
	waits := func(name, kind string) {
		task := kubetest.ATask(name, "main", 1000, func(task *v1alpha1.LivepeerTask) {
			task.Spec.Type, task.Status.Notifications = kind, []v1alpha1.Transition{{Phase: v1alpha1.PhaseCompleted}}
		})
		s.api.Tasks[name] = task
		s.index.See(task)
	}
	for n := range 300 {
		waits(fmt.Sprintf("export-%d", n), "export")
	}
	for n, end := 0, now.Add(12*time.Hour); now.Before(end); n++ {
		waits(fmt.Sprintf("%x-upload", n), "upload")
		for next := now.Add(30 * time.Minute); now.Before(next); {
			now = now.Add(max(time.Second, s.step()))
			s.Expect(taken.Load()).To(BeEquivalentTo(n+1), "at once, and once")
		}
	}
	s.Expect(refused.Load()).To(BeNumerically("<", 300*(12+10)), "each at most once an hour, after some attempts at first")
}
