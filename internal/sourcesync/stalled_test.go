// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestStalledTasksThatNobodyTellsOf: where Studio lists tasks and answers for none by ID, each that seems stalled is asked for once, and not
// after every poll: the next full sync shows them.
func TestStalledTasksThatNobodyTellsOf(t *testing.T) {
	const tasks = 30
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusUnauthorized, http.StatusForbidden, http.StatusTeapot} {
		a := quietAccount(t, tasks)
		a.api.Source.Spec.StallAfter = &metav1.Duration{Duration: time.Minute}
		a.sync("at first")
		a.tick(2 * time.Minute)
		var asked atomic.Int32
		a.studio.Fault(func(r *http.Request) livepeertest.Fault {
			if livepeertest.IsList(r) {
				return livepeertest.Fault{}
			}
			asked.Add(1)
			return livepeertest.Replace(status, "application/json", `{"errors":["no"]}`)
		})
		a.watch(10)
		if n := asked.Load(); n == 0 || n > tasks {
			t.Errorf("%d: asked %d times for %d tasks in 10 polls", status, n, tasks)
		}
		a.sync("shows them")
		if n := a.process.source().Status.Tasks.Stalled; n != tasks {
			t.Errorf("%d: %d are stalled in the end", status, n)
		}
	}
}
