// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	return s.run(shard, labels.SelectorFromSet(labels.Set{shardLabel: shard}), func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			s.mu.Lock()
			if r.URL.Query().Get("watch") == "" && slices.Contains(strings.Split(r.URL.Path, "/"), "livepeertasks") {
				s.requests[shard] = append(s.requests[shard], r.Method+" "+r.URL.Path)
			}
			hold, answered := s.hold, s.answered
			s.mu.Unlock()
			if hold != nil {
				hold(shard, r)
				r = r.WithContext(context.WithoutCancel(r.Context())) // it is on its way: nobody calls it back
			}
			response, err := next.RoundTrip(r)
			if err == nil && answered != nil {
				answered(shard, response)
			}
			return response, err
		})
	})
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
		ready := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionReady)
		switch {
		case ready == nil:
			return "no condition Ready"
		case ready.Status == metav1.ConditionTrue, strings.HasPrefix(ready.Message, "No answer of "): // a machine too busy for a poll each second
			return ""
		}
		return fmt.Sprintf("%+v", ready)
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
