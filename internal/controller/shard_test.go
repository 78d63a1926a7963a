// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const shardLabel = "studio.livepeer.org/shard"

// shards are operators in one namespace, each of which serves the sources with its own label.
type shards struct {
	*world

	// api is Studio's, and knows who asks.
	api *httptest.Server

	mu       sync.Mutex
	askers   map[string]int                          // requests to Studio, by operator
	requests map[string][]string                     // to the API server about LivepeerTasks that are no watch, by operator
	hold     func(operator string, r *http.Request)  // of requests to the API server, where set
	answered func(operator string, r *http.Response) // likewise
}

func newShards(t *testing.T) *shards {
	t.Helper()
	s := &shards{world: newWorld(t), askers: map[string]int{}, requests: map[string][]string{}}
	s.api = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.askers[r.UserAgent()]++
		s.mu.Unlock()
		s.studio.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.api.Close)
	s.secret(livepeertest.APIKey)
	return s
}

// start runs the operator of a shard until the returned function is called, or the test ends.
func (s *shards) start(shard string) (stop func()) {
	s.t.Helper()
	stop = sync.OnceFunc(s.run(shard, labels.SelectorFromSet(labels.Set{shardLabel: shard}), func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			s.mu.Lock()
			if r.URL.Query().Get("watch") == "" && slices.Contains(strings.Split(r.URL.Path, "/"), "livepeertasks") {
				s.requests[shard] = append(s.requests[shard], r.Method+" "+r.URL.Path)
			}
			hold, answered := s.hold, s.answered
			s.mu.Unlock()
			if hold != nil {
				hold(shard, r)
			}
			response, err := next.RoundTrip(r)
			if err == nil && answered != nil {
				answered(shard, response)
			}
			return response, err
		})
	}))
	s.t.Cleanup(stop)
	return stop
}

// intercept has what is held and seen of the requests to the API server.
func (s *shards) intercept(hold func(string, *http.Request), answered func(string, *http.Response)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold, s.answered = hold, answered
}

// asked returns how often an operator has asked Studio since this was last called.
func (s *shards) asked(shard string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.askers[shard]
	s.askers[shard] = 0
	return n
}

// requested returns what an operator has asked the API server about tasks since this was last called.
func (s *shards) requested(shard string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.requests[shard]
	s.requests[shard] = nil
	return all
}

// sharded creates a source of a shard.
func (s *shards) sharded(name, shard string, change ...func(*v1alpha1.LivepeerTaskSourceSpec)) {
	s.t.Helper()
	s.source(name, append([]func(*v1alpha1.LivepeerTaskSourceSpec){func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.URL = s.api.URL + "/api"
	}}, change...)...)
	s.move(name, shard)
}

// move gives a source to a shard.
func (s *shards) move(name, shard string) {
	s.t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, shardLabel, shard)
	s.Expect(s.client.Patch(s.ctx, s.getSource(name), client.RawPatch(types.MergePatchType, patch))).To(Succeed())
}

// served waits until an operator asks Studio, and the other one has stopped to.
func (s *shards) served(by, notBy string) {
	s.t.Helper()
	s.Eventually(func() int { return s.asked(by) }, soon, tick).ShouldNot(BeZero(), "%s does not begin", by)
	s.asked(notBy)
	s.Eventually(func() int { return s.asked(by) }, soon, tick).ShouldNot(BeZero(), "%s does not go on", by)
	s.Expect(s.asked(notBy)).To(BeZero(), "%s goes on", notBy)
}

// TestASourceMovesBetweenShards: while tasks change, a source is moved to and fro. No object is deleted, made anew or made twice, each
// change arrives, also those that come in the middle of a move, only one of both operators polls after a moment, and the source
// is Ready all the time.
func TestASourceMovesBetweenShards(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	s.studio.Populate(150, 1)
	sink := newEventSink(t)
	s.start("a")
	s.start("b")
	s.sharded("main", "a", sink.spec)
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
	s.eventuallyEqual()
	uids := s.uids()
	unready, deleted := s.watchHealth("main"), s.watchDeletions()
	lives := &liveTasks{w: s.world, want: map[string][]string{}}
	one := lives.begin("pending")

	waiting := s.aTask("waiting")
	for round := range 6 {
		to, from := "b", "a"
		if round%2 == 1 {
			to, from = from, to
		}
		stop := s.keepChanging(waiting)
		s.move("main", to)
		phase := []string{"waiting", "running"}[round%2]
		changed := time.Now()
		lives.enter(one, phase) // in the middle of the move
		t.Logf("move %d: a change arrived after %s", round, time.Since(changed).Round(time.Millisecond))
		s.served(to, from)
		stop()
		s.eventuallyEqual()
	}
	lives.enter(one, "completed")
	s.eventuallyEqual()
	now := s.uids()
	for id, uid := range uids {
		s.Expect(now).To(HaveKeyWithValue(id, uid), "made anew")
	}
	s.Expect(now).To(HaveLen(s.studio.Len()))
	s.Expect(deleted()).To(BeEmpty())
	s.Expect(unready()).To(BeEmpty())

	s.Eventually(func() []string { return sink.phases()[one] }, soon, tick).Should(Equal(lives.want[one]))
	s.notified()
	s.delivering("main", v1alpha1.ReasonDelivered)
	t.Logf("%d CloudEvents were sent, %d of them once more", sink.attempts(), sink.attempts()-sink.distinct())
}

// TestEventsOfAMovedSource: in the middle of many CloudEvents, the source moves. All arrive, and the old shard does not go on until its
// step is over: each event that both send at once is one that comes twice.
func TestEventsOfAMovedSource(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	sink := newEventSink(t)
	s.start("a")
	s.start("b")
	s.sharded("main", "a", sink.spec)
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
	const tasks, heard = 200, 2 * time.Second
	var moved, late atomic.Int64
	stored := make(chan struct{})
	sink.act(func(_ http.ResponseWriter, r *http.Request, _ int, _ *sdk.Event) (answered, taken bool) {
		if at := moved.Load(); at != 0 && r.UserAgent() == "a" && time.Since(time.UnixMilli(at)) > heard {
			late.Add(1)
		}
		select {
		case <-stored:
		case <-r.Context().Done():
		}
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
		return false, true
	})
	now := time.Now().UnixMilli()
	for n := range tasks {
		s.studio.Put(livepeertest.Task{"id": fmt.Sprintf("11fe%04d-0000-4000-8000-000000000000", n), "type": "upload", "createdAt": now,
			"status": map[string]any{"phase": "completed", "updatedAt": now}})
	}
	s.Eventually(s.tasks, soon, tick).Should(HaveLen(tasks))
	close(stored)
	s.Eventually(sink.attempts, soon, tick).Should(BeNumerically(">=", 30)) // a step that has all of them to send has begun
	s.move("main", "b")
	moved.Store(time.Now().UnixMilli())
	s.Eventually(sink.distinct, soon, tick).Should(Equal(tasks))
	s.notified()
	s.Expect(late.Load()).To(BeZero(), "the old shard goes on")
	t.Logf("%d were sent twice", sink.attempts()-tasks)
}

// TestAnotherShardsTasksAreLeftAlone: an operator neither reads nor writes the tasks of a source that another one serves, or nobody,
// whatever becomes of them. Once the source is its own, all is put right at once, long before the next full sync is due.
func TestAnotherShardsTasksAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	s.studio.Populate(60, 1)
	stopA := s.start("a")
	s.start("b")
	s.sharded("main", "a")
	empty := httptest.NewServer(livepeertest.NewServer())
	t.Cleanup(empty.Close)
	s.sharded("other", "b", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = empty.URL + "/api" })
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
	s.eventuallyReady("other", v1alpha1.ReasonSynced)
	s.eventuallyEqual()
	s.requested("b")
	for _, id := range s.studio.IDs()[:20] {
		s.studio.Update(id, completed)
	}
	s.eventuallyEqual()
	s.Expect(s.requested("b")).To(BeEmpty(), "it reads what the other operator writes")

	stopA()
	ids := s.studio.IDs()
	s.changeStatus(ids[0], func(status *v1alpha1.LivepeerTaskStatus) { status.Phase = "forged" })
	s.change(ids[1], func(task *v1alpha1.LivepeerTask) { task.Spec.OutputAssetID = "forged" })
	s.Expect(s.client.Delete(s.ctx, s.task(ids[2]))).To(Succeed())
	s.studio.Delete(ids[3])
	before := s.versions()
	s.resync("other", "a full sync of its own source")
	s.Expect(s.requested("b")).To(BeEmpty())
	s.Expect(s.versions()).To(Equal(before))

	s.move("main", "b")
	s.eventuallyEqual()
	s.Eventually(func() string { return s.task(ids[1]).Spec.OutputAssetID }, soon, tick).ShouldNot(Equal("forged"))
	s.eventuallyReady("main", v1alpha1.ReasonSynced)
}

// TestALateStatusIsRefused: what an operator has to say of a source comes late, after the source was moved: the API server does not
// take it, and the new operator's stays.
func TestALateStatusIsRefused(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	s.studio.Populate(20, 1)
	s.start("a")
	s.start("b")
	s.sharded("main", "a")
	s.eventuallyReady("main", v1alpha1.ReasonSynced)

	held, release, late := make(chan struct{}), make(chan struct{}), make(chan int, 1)
	var once sync.Once
	ofSource := func(shard, method, path string) bool {
		return shard == "a" && method == http.MethodPatch && strings.HasSuffix(path, "/livepeertasksources/main/status")
	}
	s.intercept(func(shard string, r *http.Request) {
		if ofSource(shard, r.Method, r.URL.Path) {
			once.Do(func() { close(held) })
			<-release
		}
	}, func(shard string, r *http.Response) {
		if ofSource(shard, r.Request.Method, r.Request.URL.Path) {
			select {
			case late <- r.StatusCode:
			default:
			}
		}
	})
	s.studio.Populate(5, 2) // more tasks are more to say
	s.Eventually(held, soon).Should(BeClosed())
	s.move("main", "b")
	s.studio.Populate(5, 3)
	s.Eventually(func() int32 { return s.getSource("main").Status.Tasks.Total }, soon, tick).Should(BeEquivalentTo(30))
	close(release)
	s.Eventually(late, soon).Should(Receive(Equal(http.StatusConflict)))
	s.Expect(s.getSource("main").Status.Tasks.Total).To(BeEquivalentTo(30))
	s.served("b", "a")
}

// keepChanging changes a task again and again until the returned function is called.
func (s *shards) keepChanging(id string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case now := <-ticker.C:
				s.studio.Update(id, func(task livepeertest.Task) {
					task["status"] = map[string]any{"phase": "running", "progress": float64(n%100) / 100, "updatedAt": now.UnixMilli()}
				})
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// uids tells which object holds each task.
func (s *shards) uids() map[string]types.UID {
	s.t.Helper()
	uids := map[string]types.UID{}
	for _, task := range s.tasks() {
		s.Expect(uids).NotTo(HaveKey(task.Spec.ID), "mirrored twice")
		uids[task.Spec.ID] = task.UID
	}
	return uids
}

// versions tells which version of each object is stored.
func (s *shards) versions() map[string]string {
	s.t.Helper()
	versions := map[string]string{}
	for _, task := range s.tasks() {
		versions[task.Name] = task.ResourceVersion
	}
	return versions
}

// watchDeletions returns what tells which tasks were deleted since.
func (s *shards) watchDeletions() func() []string {
	s.t.Helper()
	return s.watch(&v1alpha1.LivepeerTaskList{}, func(event watch.Event) string {
		if task, ok := event.Object.(*v1alpha1.LivepeerTask); ok && event.Type == watch.Deleted {
			return task.Name
		}
		return ""
	})
}

// watchHealth returns what tells when a source was not ready since.
func (s *shards) watchHealth(source string) func() []string {
	s.t.Helper()
	return s.watch(&v1alpha1.LivepeerTaskSourceList{}, func(event watch.Event) string {
		object, ok := event.Object.(*v1alpha1.LivepeerTaskSource)
		if !ok || object.Name != source {
			return ""
		}
		if ready := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionReady); ready == nil || ready.Status != metav1.ConditionTrue {
			return fmt.Sprintf("%+v", ready)
		}
		return ""
	})
}

// watch returns what tells what was found in the events since, of this namespace.
func (s *shards) watch(list client.ObjectList, find func(watch.Event) string) func() []string {
	s.t.Helper()
	c, err := client.NewWithWatch(cluster.Config(), client.Options{Scheme: scheme})
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(c.List(s.ctx, list, client.InNamespace(s.namespace))).To(Succeed())
	events, err := c.Watch(s.ctx, list, client.InNamespace(s.namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}})
	s.Expect(err).NotTo(HaveOccurred())
	s.t.Cleanup(events.Stop)
	var mu sync.Mutex
	var found []string
	go func() {
		for event := range events.ResultChan() {
			if text := find(event); text != "" {
				mu.Lock()
				found = append(found, text)
				mu.Unlock()
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(found)
	}
}
