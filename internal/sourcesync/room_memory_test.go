// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes it ten times as slow, and finds nothing here that it does not find elsewhere.

package sourcesync

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// endless makes up so many tasks, all of which have ended.
func endless(tasks int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "[")
		if query := r.URL.Query(); query.Get("cursor") == "" && query.Get("filters") == "" {
			for n := range tasks {
				_, _ = fmt.Fprintf(w, `{"id":"%d","type":"upload","createdAt":1,"status":{"phase":"completed","updatedAt":1}},`, n)
			}
		}
		_, _ = io.WriteString(w, `{"id":"last","type":"upload","createdAt":1,"status":{"phase":"completed","updatedAt":1}}]`)
	})
}

// TestAListingNeedsMemory: other listings of the namespace remember as many tasks as they may. One that is larger than what needs no room
// says so, while it is polled. It goes on once there is room, and gives it back, also where it is broken off.
func TestAListingNeedsMemory(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewServer(endless(2*studio.RoomOf + 1))
	defer server.Close()
	api := kubetest.NewAPI(server.URL)
	api.Source.Spec.History.MaxTasks = ptr.To[int32](0)
	p := newProcess(t, api, time.Now)
	gate := p.engine.steps.Memory
	var held []func()
	free := func() (n int) {
		for release, ok := gate.TryAcquire(keyOf(api.Source)); ok; release, ok = gate.TryAcquire(keyOf(api.Source)) {
			held = append(held, release)
			n++
		}
		return n
	}
	giveBack := func(n int) {
		for _, release := range held[:n] {
			release()
		}
		held = held[n:]
	}
	ready := func() string {
		p.step()
		return meta.FindStatusCondition(p.source().Status.Conditions, v1alpha1.ConditionReady).Reason
	}
	all := free()
	giveBack(1)
	g.Eventually(ready, soon, time.Millisecond).Should(Equal(v1alpha1.ReasonUnavailable))
	message := meta.FindStatusCondition(p.source().Status.Conditions, v1alpha1.ConditionReady).Message
	g.Expect(message).To(ContainSubstring("memory limit of listings"))
	g.Expect(free()).To(BeZero(), "it has taken what there was")
	p.engine.Forget(keyOf(api.Source))
	g.Eventually(free, soon, time.Millisecond).Should(Equal(1), "what it had taken")

	giveBack(all)
	g.Eventually(ready, soon, time.Millisecond).Should(Equal(v1alpha1.ReasonSynced))
	g.Eventually(free, soon, time.Millisecond).Should(Equal(all))
}
