// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// Tasks that are written too late.
const (
	lateTask    = "11fe0000-0000-4000-8000-000000000000"
	anotherTask = "11fe0001-0000-4000-8000-000000000000"
)

// TestLateWritesAreRefused: what the old operator writes arrives after the source was moved, and after the new one has written. The API
// server takes none of it, and what is stored is the new one's.
func TestLateWritesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		happens      func(*shards) // before the move, to be written by the old operator
	}{
		"status of the source": {http.MethodPatch, "/livepeertasksources/main/status", func(s *shards) { s.put(anotherTask, "pending") }},
		"status of a task":     {http.MethodPut, "/livepeertasks/" + lateTask + "/status", func(s *shards) { s.put(lateTask, "running") }},
		"a new task":           {http.MethodPost, "/livepeertasks", func(s *shards) { s.put(anotherTask, "pending") }},
		"a deletion":           {http.MethodDelete, "/livepeertasks/" + lateTask, func(s *shards) { s.withoutUploads() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShards(t)
			s.studio.Populate(20, 1)
			s.put(lateTask, "waiting")
			s.start("a")
			s.start("b")
			s.sharded("main", "a")
			s.eventuallyReady("main", v1alpha1.ReasonSynced)
			s.eventuallyEqual()
			held, release, answers := s.holdUp(c.method, c.path)
			c.happens(s)
			s.Eventually(held, soon).Should(BeClosed())

			s.move("main", "b")
			for n := range 5 { // new ones: what is older than the last poll comes with the next full sync only
				s.put(fmt.Sprintf("22fe%04d-0000-4000-8000-000000000000", n), "completed")
			}
			s.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = nil })
			s.put(lateTask, "completed")
			s.eventuallyEqual()
			s.Eventually(func() v1alpha1.TaskCounts { return s.getSource("main").Status.Tasks }, soon, tick).Should(Equal(s.counts()))
			before, source := s.versions(), s.getSource("main")
			release()
			s.Eventually(answers, soon, tick).ShouldNot(BeEmpty())
			s.Expect(answers()).To(HaveEach(http.StatusConflict))
			s.served("b", "a")
			s.Expect(s.versions()).To(Equal(before))
			s.Expect(s.getSource("main").Status.Tasks).To(Equal(source.Status.Tasks))
		})
	}
}

// put makes one of these tasks in Studio, or changes its phase.
func (s *shards) put(id, phase string) {
	now := time.Now().UnixMilli()
	s.studio.Put(livepeertest.Task{"id": id, "type": "upload", "createdAt": now, "status": map[string]any{"phase": phase, "updatedAt": now}})
}

// withoutUploads has the operator delete the tasks of that type.
func (s *shards) withoutUploads() {
	s.respec("main", func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		spec.Types = []string{"export", "clip", "transcode-file", "export-data"}
	})
}

// holdUp holds up such requests of shard a to the API server until release is called. held is closed once there is one, and answers
// are the status codes of the answers to all of them.
func (s *shards) holdUp(method, path string) (held chan struct{}, release func(), answers func() []int) {
	held, free := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(free) })
	s.t.Cleanup(release)
	var once sync.Once
	var mu sync.Mutex
	var codes []int
	concerns := func(shard string, r *http.Request) bool {
		return shard == "a" && r.Method == method && strings.HasSuffix(r.URL.Path, path)
	}
	s.intercept(func(shard string, r *http.Request) {
		if concerns(shard, r) {
			once.Do(func() { close(held) })
			<-free
		}
	}, func(shard string, r *http.Response) {
		if concerns(shard, r.Request) {
			mu.Lock()
			defer mu.Unlock()
			codes = append(codes, r.StatusCode)
		}
	})
	return held, release, func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(codes)
	}
}
