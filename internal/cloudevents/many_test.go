// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
)

// TestAThousandSourcesComeAndGo: of one that has no sink any more, or is gone, nothing is remembered.
func TestAThousandSourcesComeAndGo(t *testing.T) {
	a := newTenants(t)
	var got atomic.Int64
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if got.Add(1)%10 == 0 {
			w.WriteHeader(http.StatusTeapot) // and the task is set aside
		}
	}))
	t.Cleanup(sink.Close)
	const many = 1000
	for n := range many {
		a.add(fmt.Sprint("tenant-", n%50), fmt.Sprint("source-", n), sink.URL, 1)
	}
	r := a.start()
	a.Eventually(got.Load, soon, 10*time.Millisecond).Should(BeNumerically(">=", many))

	a.mu.Lock()
	var keys []types.NamespacedName
	for key, source := range a.sources {
		keys = append(keys, key)
		if len(keys)%2 == 0 {
			delete(a.sources, key)
		} else {
			source.Spec.Notify = nil
		}
	}
	a.mu.Unlock()
	for _, key := range keys {
		a.queue.Add(reconcile.Request{NamespacedName: key})
	}
	a.Eventually(func() []int {
		r.mu.Lock()
		defer r.mu.Unlock()
		sinks := 0
		for _, key := range keys {
			if _, kept := r.sinks.Current(key); kept {
				sinks++
			}
		}
		return []int{len(r.states), len(r.running), sinks, a.queue.Len()}
	}, soon, 10*time.Millisecond).Should(Equal([]int{0, 0, 0, 0}))
	for gate, share := range map[*fair.Gate]int{r.steps: namespaceSteps, r.doubtful: namespaceDoubtful, r.tasks: namespaceTasksRead} {
		for range share {
			_, free := gate.TryAcquire(types.NamespacedName{Namespace: "tenant-1"})
			a.Expect(free).To(BeTrue())
		}
	}
	for _, key := range keys {
		a.Expect(a.queue.NumRequeues(reconcile.Request{NamespacedName: key})).To(BeZero())
	}
}
