// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// quickLook is how many tasks a first sync reads first, and firstPage how many of them each page has that follows.
const (
	quickLook = 50
	firstPage = 250
)

// slowAPI is an API server to which each write of a task takes time, by the clock of the operator; and what it saw.
type slowAPI struct {
	*kubetest.API

	clock   *clocktesting.FakeClock
	studio  *livepeertest.Server
	process *process

	created []string // in their order
	deleted int
	reading sync.Mutex
	rows    int                  // that Studio has sent
	asked   []string             // when, for what, and how many rows came
	changed map[string]time.Time // in Studio, and not seen here yet
	took    []time.Duration      // until they were
}

// newSlowAPI returns one whose writes take that long each.
func newSlowAPI(t *testing.T, tasks int, write time.Duration) *slowAPI {
	t.Helper()
	a := &slowAPI{
		clock: clocktesting.NewFakeClock(time.Now().Add(-time.Hour)), studio: livepeertest.NewServer(), changed: map[string]time.Time{},
	}
	for n := range tasks {
		a.put(n, time.Duration(n-tasks)*time.Minute)
	}
	// At a path of its own: at its port, which may have been another Studio's a moment ago, another operator may still ask with the same key.
	server := httptest.NewServer(http.StripPrefix("/slow", a.studio))
	t.Cleanup(server.Close)
	a.studio.Fault(func(*http.Request) livepeertest.Fault { return livepeertest.Fault{Edit: a.count} })
	a.API = kubetest.NewAPI(server.URL + "/slow")
	a.Source.Spec.Interval.Duration = time.Second
	a.Writing = func(before, after *v1alpha1.LivepeerTask) { a.writing(before, after, write) }
	a.process = newProcessBy(t, a.API, a.clock)
	return a
}

// put makes the n-th task, or changes it.
func (a *slowAPI) put(n int, ago time.Duration) {
	at := a.clock.Now().Add(ago).UnixMilli()
	a.studio.Put(livepeertest.Task{
		"id": uuid(n), "type": "export", "createdAt": at, "status": map[string]any{"phase": "completed", "updatedAt": at},
	})
}

// count counts the rows of an answer that is a list.
func (a *slowAPI) count(r *http.Request, answer *livepeertest.Answer) {
	var rows []json.RawMessage
	if json.Unmarshal(answer.Body, &rows) == nil {
		a.reading.Lock()
		defer a.reading.Unlock()
		a.rows += len(rows)
		a.asked = append(a.asked, fmt.Sprintf("%s %s: %d", a.clock.Now().Format("04:05.000"), r.URL.RawQuery, len(rows)))
	}
}

// writing takes in a write, which takes time.
func (a *slowAPI) writing(before, after *v1alpha1.LivepeerTask, write time.Duration) {
	a.clock.Step(write)
	switch {
	case after == nil:
		a.deleted++
		return
	case before == nil:
		a.created = append(a.created, after.Spec.ID)
	}
	if since, ok := a.changed[after.Spec.ID]; ok && after.Status.UpdatedAt != nil && !after.Status.UpdatedAt.Time.Before(since) {
		a.took = append(a.took, a.clock.Since(since))
		delete(a.changed, after.Spec.ID)
	}
}

// firstSync lets a first sync be carried through.
func (a *slowAPI) firstSync(t *testing.T) {
	t.Helper()
	for range 10_000 {
		a.process.step()
		if a.process.source().Status.LastFullSyncTime != nil {
			return
		}
	}
	t.Fatal("the first sync does not end")
}

// TestAFirstSyncReadsStudioOnce: with an interval of 1 s, and an API server that takes 2 ms for each write and so 20 s for all of them,
// a first sync asks Studio for little more than is there; the latest tasks are there first, and none is deleted.
func TestAFirstSyncReadsStudioOnce(t *testing.T) {
	for _, tasks := range []int{600, 5000} {
		t.Run(strconv.Itoa(tasks), func(t *testing.T) { readsStudioOnce(t, tasks) })
	}
}

func readsStudioOnce(t *testing.T, tasks int) {
	t.Helper()
	a := newSlowAPI(t, tasks, 2*time.Millisecond)
	began := a.clock.Now()
	a.firstSync(t)
	if len(a.Tasks) != tasks || a.deleted > 0 || a.Writes != 2*tasks {
		t.Errorf("%d tasks, %d deletions, %d writes", len(a.Tasks), a.deleted, a.Writes)
	}
	t.Logf("%d rows in %v, %.2f times what is there", a.rows, a.clock.Since(began), float64(a.rows)/float64(tasks))
	if a.rows > tasks*11/10 {
		t.Errorf("Studio sent %d rows:\n%s", a.rows, strings.Join(a.asked, "\n"))
	}
	for n := range quickLook {
		if !slices.Contains(a.created[:quickLook+150], uuid(tasks-1-n)) { // so many of other pages may be written at the same time
			t.Fatalf("task %d of the latest is not among the first", n)
		}
	}
}

// TestAChangeIsSeenDuringAFirstSync: while all slots for writing are taken for a first sync, what changes in Studio is in the cluster
// within 1.3 intervals. Time passes with writes only, so that what the test's own machine takes long for counts as many of them.
func TestAChangeIsSeenDuringAFirstSync(t *testing.T) {
	const tasks = 5000
	a := newSlowAPI(t, tasks, time.Millisecond)
	writing, next := a.Writing, a.clock.Now().Add(time.Second)
	a.Writing = func(before, after *v1alpha1.LivepeerTask) {
		writing(before, after)
		if now := a.clock.Now(); now.After(next) && len(a.created) < tasks-500 {
			next = now.Add(900 * time.Millisecond)
			n := len(a.created) % quickLook // one of the latest, which are there
			a.changed[uuid(tasks-1-n)] = now.Truncate(time.Millisecond)
			a.put(tasks-1-n, 0)
		}
	}
	a.firstSync(t)
	if len(a.took) < 5 || len(a.changed) > 0 {
		t.Fatalf("%d changes were seen, and %d not", len(a.took), len(a.changed))
	}
	t.Log(a.took)
	for _, took := range a.took {
		if took > 1300*time.Millisecond {
			t.Errorf("a change was seen after %v", took)
		}
	}
	if a.rows > tasks*12/10 {
		t.Errorf("Studio sent %d rows:\n%s", a.rows, strings.Join(a.asked, "\n"))
	}
}

// TestAFirstSyncWritesWhatHistoryKeeps: where history has no room for most of an account, what it has no room for is not written only
// to be deleted again.
func TestAFirstSyncWritesWhatHistoryKeeps(t *testing.T) {
	const tasks, kept = 3000, 300
	a := newSlowAPI(t, tasks, 0)
	a.Source.Spec.History.MaxTasks = new(int32(kept))
	a.firstSync(t)
	if len(a.Tasks) != kept || a.Writes > 2*(kept+100) {
		t.Errorf("%d tasks after %d writes", len(a.Tasks), a.Writes)
	}
	if _, ok := a.Tasks[uuid(tasks-kept)]; !ok {
		t.Error("the oldest that is kept is missing")
	}
}
