// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

func TestPushesTakeTheirTime(t *testing.T) {
	g := NewWithT(t)
	start := time.UnixMilli(1_000_000)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	p := &pushes{}
	see := func(id string, updated, seen int) {
		task := &v1alpha1.LivepeerTask{Spec: v1alpha1.LivepeerTaskSpec{ID: id}}
		task.Status.UpdatedAt = &metav1.MicroTime{Time: at(updated)}
		p.see(task, at(seen))
	}
	see("a", 0, 30)
	see("a", 0, 500)  // no news
	see("b", 1, 5)    // a poll was faster
	see("c", 2, 22)   // told twice
	see("d", 3, 60)   // refused
	see("a", 70, 110) // again
	p.see(&v1alpha1.LivepeerTask{}, at(1))
	deliver := func(id string, updated, sent, status int) livepeertest.Delivery {
		return livepeertest.Delivery{Task: id, Updated: at(updated), Sent: at(sent), Status: status}
	}

	times := p.times([]livepeertest.Delivery{
		deliver("a", 70, 71, http.StatusAccepted),
		deliver("a", 0, 2, http.StatusAccepted),
		deliver("b", 1, 6, http.StatusAccepted),
		deliver("c", 2, 12, http.StatusAccepted),
		deliver("c", 2, 13, http.StatusAccepted),
		deliver("d", 3, 4, http.StatusServiceUnavailable),
		deliver("e", 3, 4, http.StatusAccepted), // not seen yet
	})

	g.Expect(times).To(Equal([]time.Duration{10 * time.Millisecond, 28 * time.Millisecond, 39 * time.Millisecond}))
	g.Expect(result{pushed: times}.String()).To(ContainSubstring(
		"Studio pushed 3 changes, in the median 28 ms from Studio to the cluster.\n"))
}
