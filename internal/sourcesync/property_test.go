// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// kinds of servers that Studio may be, or may be behind.
var kinds = map[string]livepeertest.Fault{
	"as recorded":             {},
	"pages of 20":             livepeertest.IgnoreLimit(),
	"ignores every parameter": livepeertest.IgnoreQuery(),
	"offsets only":            livepeertest.OffsetOnly(),
	"Link always says next":   livepeertest.LinkAlways(),
	"Link says it is over":    livepeertest.LinkCursor("undefined"),
	"Link leads in a circle":  livepeertest.LinkCursor("skip5"),
	"filters nothing":         ignoreFilters(),
}

// TestTheMirrorEqualsStudioAfterChurn: while tasks are made, changed and deleted between any two requests, with errors of
// Studio and of the API server among them, no task that Studio still has is deleted from the mirror, and none is there
// twice, and no task goes back in time. Once all is quiet, one full sync makes the mirror equal to Studio, and another one writes nothing.
func TestTheMirrorEqualsStudioAfterChurn(t *testing.T) {
	before := debug.SetGCPercent(400) // what is in use is little, and what is made is much
	t.Cleanup(func() { debug.SetGCPercent(before) })
	for kind, fault := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(runsOfAKind) {
				newAccount(t, seed, fault).live()
			}
		})
	}
}

// account is one Studio, and the operator that mirrors it into an API server in memory.
type account struct {
	t      *testing.T
	seed   uint64
	walk   *rand.Rand // what the test does
	random *rand.Rand // what happens to Studio meanwhile
	dice   sync.Mutex // guards it
	clock  time.Time
	ticks  sync.Mutex    // guards it
	skew   time.Duration // how far the operator's clock is ahead

	studio  *livepeertest.Server
	server  *httptest.Server
	kind    livepeertest.Fault
	page    int         // rows of a page, 0: as asked for
	quiet   atomic.Bool // nothing changes or fails any more
	made    int         // tasks
	deleted sync.Map    // of IDs, in Studio, ever
	lagging *livepeertest.Snapshot
	keeps   bool // Studio deletes nothing any more

	api     *kubetest.API
	process *process
	running atomic.Pointer[process] // the same, for answers to requests of one that has ended

	people *people // who change what is mirrored; nil where nobody does

	telling           sync.Mutex
	happened, wasTold map[string]int // transitions of tasks
}

// fatalf names the run, so that it can be repeated.
func (a *account) fatalf(format string, args ...any) {
	a.t.Helper()
	a.t.Fatalf("seed %d: %s", a.seed, fmt.Sprintf(format, args...))
}

func newAccount(t *testing.T, seed uint64, kind livepeertest.Fault, options ...livepeertest.Option) *account {
	t.Helper()
	a := &account{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), walk: rand.New(rand.NewPCG(seed, 2)), kind: kind,
		studio: livepeertest.NewServer(options...),
		// Behind the clock of Studio's answers, which would not believe in updates of the future.
		clock:    time.Now().Add(-24 * time.Hour),
		happened: map[string]int{}, wasTold: map[string]int{},
	}
	a.page = []int{0, 3, 7}[a.random.IntN(3)]
	a.server = httptest.NewServer(a.studio)
	a.api = kubetest.NewAPI(a.server.URL)
	a.api.Writing, a.api.Lose = a.writing, 30
	if a.random.IntN(4) == 0 {
		a.api.Source.Spec.Types = []string{"upload", "clip"}
	}
	if a.random.IntN(2) == 0 {
		a.api.Source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: "https://sink.example"}}
	}
	a.start()
	return a
}

// start begins with a new process of the operator, which knows what is stored.
func (a *account) start() {
	metadata := a.process != nil && a.process.metadata
	if a.process != nil {
		a.process.end()
	}
	a.process = newProcess(a.t, a.api, func() time.Time {
		return a.now().Add(a.skew)
	}, a)
	a.process.metadata = metadata
	a.running.Store(a.process)
	a.people.start()
}

// isDeleted reports whether Studio has ever deleted a task.
func (a *account) isDeleted(id string) bool {
	deleted, _ := a.deleted.Load(id)
	return deleted == true
}

// deletions counts what Studio has deleted.
func (a *account) deletions() (n int) {
	a.deleted.Range(func(any, any) bool {
		n++
		return true
	})
	return n
}

// silence ends all changes and failures.
func (a *account) silence() {
	a.dice.Lock()
	defer a.dice.Unlock()
	a.api.Mu.Lock()
	defer a.api.Mu.Unlock()
	a.api.Lose = 0
	a.quiet.Store(true)
}

// now is the time in Studio.
func (a *account) now() time.Time {
	a.ticks.Lock()
	defer a.ticks.Unlock()
	return a.clock
}

// tick lets time pass.
func (a *account) tick(d time.Duration) {
	a.ticks.Lock()
	defer a.ticks.Unlock()
	a.clock = a.clock.Add(d)
}

// live lets some time pass with changes, and then none.
func (a *account) live() {
	defer a.server.Close()
	defer func() { a.process.end() }()
	for range a.random.IntN(a.random.IntN(60) + 2) { // small accounts more often: they are as odd, and quicker
		a.create()
	}
	a.studio.Fault(a.request)
	for n := range a.walk.IntN(10) {
		if a.walk.IntN(4) == 0 {
			a.api.Annotate(v1alpha1.AnnotationRequestedAt, fmt.Sprint("churn ", n))
		}
		a.step()
	}
	a.silence()
	a.sync("at last")
	a.equal()
	a.toldOnce()
	before := a.api.Writes
	a.sync("again")
	if a.api.Writes != before {
		a.fatalf("a second full sync writes %d times", a.api.Writes-before)
	}
	ready := meta.FindStatusCondition(a.api.Source.Status.Conditions, v1alpha1.ConditionReady)
	if ready.Reason != v1alpha1.ReasonSynced {
		a.fatalf("%s: %s", ready.Reason, ready.Message)
	}
}

// step gives the source one step, and lets time pass until the next.
func (a *account) step() {
	a.t.Helper()
	a.process.step()
	echoes := -1
	if !a.quiet.Load() && a.walk.IntN(3) > 0 {
		echoes = a.walk.IntN(20) // the cache lags behind
	}
	a.process.echo(echoes)
	a.people.rest()
	a.tick(a.process.until())
}

// sync lets one full sync be carried through.
func (a *account) sync(request string) {
	a.t.Helper()
	a.process.echo(-1)
	a.people.rest()
	a.api.Annotate(v1alpha1.AnnotationRequestedAt, request)
	for range 50 {
		a.step()
		if a.process.source().Status.LastHandledReconcileAt == request {
			a.process.rest()
			return
		}
	}
	a.fatalf("no full sync within 50 steps: %+v", a.api.Source.Status)
}

// writing looks at what the operator is about to write.
func (a *account) writing(before, after *v1alpha1.LivepeerTask) {
	if before != nil && after != nil {
		a.keepsNotifications(before, after)
	}
	a.happens(before, after)
	switch {
	case before == nil:
	case after == nil && !a.isDeleted(before.Spec.ID):
		a.t.Errorf("seed %d: %s is deleted, but is in Studio", a.seed, before.Spec.ID)
	case after != nil && after.Status.UpdatedAt.Before(before.Status.UpdatedAt):
		a.t.Errorf("seed %d: %s of %v replaces that of %v", a.seed, before.Spec.ID, after.Status.UpdatedAt, before.Status.UpdatedAt)
	}
}

// known says what is stored, and what the operator knows, under the names of a task.
func (a *account) known(id string) (known string) {
	for _, name := range mirror.Names(id) {
		if task, ok := a.api.Tasks[name]; ok {
			known += fmt.Sprintf("stored: %+v; ", mirror.EntryOf(task))
		}
		if entry, ok := a.process.index.Lookup(a.api.Source.Namespace)(name); ok {
			known += fmt.Sprintf("known: %+v; ", entry)
		}
	}
	return known
}

// equal fails unless the mirror holds what is in Studio and in scope, and nothing else.
func (a *account) equal() {
	a.t.Helper()
	source := a.api.Source
	scope := plan.Scope{Namespace: source.Namespace, Source: source.Name, SourceUID: source.UID, Types: source.Spec.Types}
	want := map[string]*mirror.Observation{}
	for _, id := range a.studio.IDs() {
		if observation := a.observe(id); scope.Includes(observation.Spec.Type) {
			want[id] = observation
		}
	}
	got := map[string]*v1alpha1.LivepeerTask{}
	for _, task := range a.api.Tasks {
		if got[task.Spec.ID] != nil {
			a.fatalf("%s is there twice", task.Spec.ID)
		}
		got[task.Spec.ID] = task
		observed, ok := want[task.Spec.ID]
		if !ok {
			a.fatalf("%s is there, and not in Studio: %+v", task.Spec.ID, mirror.EntryOf(task))
		}
		if task.Status.Phase != observed.Status.Phase || !task.Status.UpdatedAt.Equal(observed.Status.UpdatedAt) {
			a.fatalf("%s is %s of %v, in Studio %s of %v", task.Spec.ID,
				task.Status.Phase, task.Status.UpdatedAt, observed.Status.Phase, observed.Status.UpdatedAt)
		}
	}
	for id, observed := range want {
		if got[id] == nil {
			a.fatalf("%s is not mirrored, %s of %v: %s", id, observed.Status.Phase, observed.Status.UpdatedAt, a.known(id))
		}
	}
	// Whatever else there is of a task: nothing would have to be written.
	plan := plan.Plan(scope, slices.Collect(maps.Values(want)), func(name string) (mirror.Entry, bool) {
		task, ok := a.api.Tasks[name]
		if !ok {
			return mirror.Entry{}, false
		}
		return mirror.EntryOf(task), true
	})
	if len(plan.Actions)+len(plan.Conflicts)+len(plan.Omitted)+plan.Stale > 0 {
		a.fatalf("not as in Studio: %+v", plan)
	}
}
