// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestAPushMovesTheObject: at the price of one request, and of none where it is known already.
func TestAPushMovesTheObject(t *testing.T) {
	t.Parallel()
	p := pushing(t, 60)
	p.Expect(p.path("main")).To(Equal("/hooks/" + p.namespace + "/main"))
	id := p.aTask("running")
	p.studio.ResetRequests()
	p.studio.Update(id, completed)
	event := p.event(id)
	p.Expect(p.deliver(event)).To(Equal(http.StatusAccepted))
	p.Eventually(p.phase(id), soon, tick).Should(Equal("completed"))
	p.Expect(p.deliver(event)).To(Equal(http.StatusAccepted), "repeated")
	p.push(id) // another event, of what is known

	spawned := livepeertest.Task{
		"id": "spawned", "type": "upload", "projectId": livepeertest.ProjectID, "createdAt": time.Now().UnixMilli(),
		"status": map[string]any{"phase": "pending", "updatedAt": time.Now().UnixMilli()},
	}
	p.studio.Put(spawned)
	p.push("spawned")
	p.Eventually(p.phase("spawned"), soon, tick).Should(Equal("pending"))
	singles, lists := p.asked()
	p.Expect([]int{singles, lists}).To(Equal([]int{2, 0}))
	p.Expect(p.metrics()).To(And(ContainSubstring("livepeer_task_operator_push_duration_seconds"),
		ContainSubstring("livepeer_task_operator_webhook_requests_total")))
}

// TestAPushOfAnotherProject: Studio shows a user's tasks by ID whatever the project of the key. Where no task is listed that tells the
// project, a list decides; so it does of a task that says none, which is the user's default project's.
func TestAPushOfAnotherProject(t *testing.T) {
	t.Parallel()
	const another = "another-project"
	for name, c := range map[string]struct {
		project      string // of the key
		ours, theirs map[string]any
	}{
		"a key of the default project": {
			livepeertest.ProjectID, map[string]any{"a": livepeertest.ProjectID, "b": nil}, map[string]any{"c": another},
		},
		"a key of another": {another, map[string]any{"a": another}, map[string]any{"b": nil, "c": livepeertest.ProjectID}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pushing(t, 0)
			p.studio.AddKey(livepeertest.APIKey, c.project)
			for _, projects := range []map[string]any{c.theirs, c.ours} {
				for id, project := range projects {
					now := time.Now().UnixMilli()
					p.studio.Put(livepeertest.Task{
						"id": id, "type": "upload", "projectId": project, "createdAt": now, "status": map[string]any{"phase": "pending", "updatedAt": now},
					})
					p.push(id)
				}
			}
			ours := func() []string { return slices.Sorted(maps.Keys(p.mirroredStates())) }
			p.Eventually(ours, soon, tick).Should(Equal(slices.Sorted(maps.Keys(c.ours))))
			p.Consistently(ours, time.Second, tick).Should(HaveLen(len(c.ours)))
		})
	}
}

// TestWhatAPushSaysIsNotBelieved: it leads to a question to Studio, whose answer counts.
func TestWhatAPushSaysIsNotBelieved(t *testing.T) {
	t.Parallel()
	p := pushing(t, 60)
	before := p.mirroredStates()
	id := p.aTask("running")
	lie := livepeertest.Task{"id": id, "type": "clip", "status": map[string]any{"phase": "failed", "updatedAt": time.Now().UnixMilli()}}
	p.Expect(p.deliver(p.eventOf(id, lie))).To(Equal(http.StatusAccepted))
	p.Expect(p.deliver(p.eventOf("../task", lie))).To(Equal(http.StatusAccepted))
	p.Expect(p.deliver(p.eventOf("no-such-task", nil))).To(Equal(http.StatusAccepted))
	p.Eventually(func() int { n, _ := p.asked(); return n }, soon, tick).Should(BeNumerically(">=", 12), "each is asked for 4 times")
	p.Consistently(func() map[string]string { return p.mirroredStates() }, time.Second, tick).Should(Equal(before))

	p.studio.ResetRequests()
	writes := p.writesHere()
	for n := range 300 {
		status := p.deliver(p.event(id), fmt.Sprint("a guess of the shared secret ", n))
		p.Expect(status).To(Or(Equal(http.StatusUnauthorized), Equal(http.StatusServiceUnavailable)))
	}
	p.Expect(p.studio.Requests()).To(BeEmpty())
	p.Expect(p.writesHere()).To(Equal(writes))
}

// writesHere is the sum of the resource versions of this namespace's tasks and source: any write moves it.
func (p *pushed) writesHere() string {
	versions := p.getSource("main").ResourceVersion
	for _, task := range p.tasks() {
		versions += " " + task.ResourceVersion
	}
	return versions
}

// TestAPushAheadOfItsReplica: Studio is asked again until it shows the change, a few times at most.
func TestAPushAheadOfItsReplica(t *testing.T) {
	t.Parallel()
	p := pushing(t, 100)
	id := p.aTask("running")
	old := p.studio.Snapshot()
	p.studio.Update(id, completed)
	p.studio.Fault(onSingles(2, livepeertest.Fault{From: old}))
	p.push(id)
	p.Eventually(p.phase(id), soon, tick).Should(Equal("completed"))

	id = p.aTask("running")
	old = p.studio.Snapshot()
	p.studio.Update(id, completed)
	p.studio.Fault(onSingles(-1, livepeertest.Fault{From: old}))
	p.studio.ResetRequests()
	p.push(id)
	p.Eventually(func() int { n, _ := p.asked(); return n }, soon, tick).Should(Equal(4))
	p.Consistently(func() int { n, _ := p.asked(); return n }, 4*time.Second, tick).Should(Equal(4), "it is left to the next poll")
	p.studio.Fault(nil)
	p.resync("main", "now")
	p.Expect(p.phase(id)()).To(Equal("completed"))
}

// TestAPushObeysRetryAfter: where Studio wants to be left alone, pushes ask for nothing, and neither does a poll.
func TestAPushObeysRetryAfter(t *testing.T) {
	t.Parallel()
	p := pushing(t, 60)
	id := p.aTask("running")
	p.studio.Update(id, completed)
	p.studio.Fault(livepeertest.Always(livepeertest.RateLimited("5")))
	p.studio.ResetRequests()
	p.push(id)
	p.Eventually(p.studio.Requests, soon, tick).ShouldNot(BeEmpty())
	p.studio.Fault(nil)
	for range 20 {
		p.push(id)
	}
	p.Eventually(p.phase(id), soon, tick).Should(Equal("completed"), "a poll follows, though the interval is an hour")
	requests := p.studio.Requests()
	p.Expect(requests[1].Time.Sub(requests[0].Time)).To(BeNumerically(">=", 5*time.Second))
}

// TestAFailedPushIsPolled: one failure leads to one poll, and to no storm.
func TestAFailedPushIsPolled(t *testing.T) {
	t.Parallel()
	p := pushing(t, 100)
	p.studio.Fault(onSingles(-1, livepeertest.HTML(http.StatusBadGateway)))
	p.studio.ResetRequests()
	for _, id := range p.studio.IDs()[:5] {
		p.studio.Update(id, completed)
		p.push(id)
	}
	p.eventuallyEqual()
	singles, lists := p.asked()
	p.Expect(singles).To(BeNumerically("<=", 5))
	p.Expect(lists).To(And(BeNumerically(">=", 1), BeNumerically("<=", 10)))
}

// TestManyPushesBecomeAPoll: a burst is not asked for one by one. Here no question is answered before there was a poll, so that they pile up
// however slowly they come.
func TestManyPushesBecomeAPoll(t *testing.T) {
	t.Parallel()
	p := pushing(t, 150)
	polled := make(chan struct{})
	seen := sync.OnceFunc(func() { close(polled) })
	p.studio.Fault(func(r *http.Request) livepeertest.Fault {
		if livepeertest.IsList(r) {
			seen()
		}
		select {
		case <-polled:
		case <-r.Context().Done():
		}
		return livepeertest.Fault{}
	})
	p.studio.ResetRequests()
	ids := p.studio.IDs()
	for _, id := range ids {
		p.studio.Update(id, func(task livepeertest.Task) {
			task["status"] = map[string]any{"phase": "running", "progress": 0.5, "updatedAt": time.Now().UnixMilli()}
		})
	}
	for _, id := range ids {
		p.push(id)
	}
	p.eventuallyEqual()
	singles, lists := p.asked()
	p.Expect(lists).To(BeNumerically(">", 0))
	p.Expect(singles).To(BeNumerically("<", len(ids)))
}

// TestPushesToASuspendedSource come to nothing, and its path is gone.
func TestPushesToASuspendedSource(t *testing.T) {
	t.Parallel()
	p := pushing(t, 60)
	p.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Suspend = true })
	p.eventuallyReady("main", v1alpha1.ReasonSuspended)
	p.noPath("main")
	p.studio.ResetRequests()
	id := p.aTask("running")
	p.studio.Update(id, completed)
	p.Expect(p.deliver(p.event(id))).To(Equal(http.StatusUnauthorized))
	p.Consistently(p.studio.Requests, time.Second, tick).Should(BeEmpty())
	p.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Suspend = false })
	p.path("main")
	p.push(id)
	p.Expect(p.client.Delete(p.ctx, p.getSource("main"))).To(Succeed())
	p.Eventually(func() int { return p.deliver(p.event(id)) }, soon, tick).Should(Equal(http.StatusUnauthorized))
}

// TestAPushDoesNotUndoHistory: what history has pruned stays gone, what finishes takes the place of the oldest, and types
// count.
func TestAPushDoesNotUndoHistory(t *testing.T) {
	t.Parallel()
	p := pushing(t, 80, func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.History.MaxTasks = ptr.To[int32](5)
		spec.Interval = metav1.Duration{Duration: time.Second}
	})
	mirrored := p.mirroredStates()
	pruned := ""
	for id, state := range p.states() {
		if _, kept := mirrored[id]; !kept && strings.HasPrefix(state, "completed ") {
			pruned = id
		}
	}
	p.Expect(pruned).NotTo(BeEmpty())
	p.push(pruned)
	p.Expect(p.client.Delete(p.ctx, p.task(p.finished()[0]))).To(Succeed()) // so that there would be room
	p.push(pruned)
	p.Consistently(p.phase(pruned), time.Second, tick).Should(Equal("-"))
	p.Eventually(p.finished, soon, tick).Should(HaveLen(5), "the deleted one is back")

	for _, id := range p.unfinishedIDs()[:3] {
		p.studio.Update(id, completed)
		p.push(id)
		p.Eventually(p.phase(id), soon, tick).Should(Equal("completed"))
	}
	p.Eventually(p.finished, soon, tick).Should(HaveLen(5))
}

// unfinishedIDs lists the mirrored tasks that have not ended.
func (p *pushed) unfinishedIDs() []string {
	var ids []string
	for _, task := range p.tasks() {
		if !task.IsFinished() {
			ids = append(ids, task.Spec.ID)
		}
	}
	return ids
}

// finished lists the finished tasks that are mirrored.
func (p *pushed) finished() []string {
	var ids []string
	for _, task := range p.tasks() {
		if task.IsFinished() {
			ids = append(ids, task.Name)
		}
	}
	return ids
}
