// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestNothingIsForgotten: Studio deletes nothing once a full sync is asked for. Until that has ended, all else goes on: people edit,
// delete and remake objects, the source's spec changes, it is suspended, or made anew; the operator restarts, its watch shows versions
// only or breaks off, writes fail or get no answer; tasks change, and Studio fails. Then all is quiet. Without another request, and long
// before the next regular full sync, the mirror equals Studio: whatever was left for later, somebody remembers.
func TestNothingIsForgotten(t *testing.T) {
	before := debug.SetGCPercent(400)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	const schedules = 4
	for part := range uint64(schedules) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for n := range uint64(1 + runsOfAKind/10) {
				liveHard(t, part+n*schedules)
			}
		})
	}
}

// hardship is what happens in such an account.
type hardship struct {
	*people

	source *rand.Rand // what happens to the source and the operator
	uids   int        // of sources
}

func liveHard(t *testing.T, seed uint64) {
	t.Helper()
	var a *account
	a = newAccount(t, seed, livepeertest.Fault{}, livepeertest.WithClock(func() time.Time { return a.now() }))
	h := &hardship{people: &people{
		account: a, random: rand.New(rand.NewPCG(seed, 1)), born: map[types.UID]string{}, contentOnly: true,
	}, source: rand.New(rand.NewPCG(seed, 3))}
	a.people = h.people
	a.process.metadata = seed%2 == 1
	a.api.Source.Spec.ResyncInterval.Duration = 100 * time.Hour // the regular full sync is 10 hours away, at least
	defer a.server.Close()
	defer func() { a.process.end() }()
	for range 1 + a.random.IntN(30) {
		a.create()
	}
	a.api.Writing = h.writing
	a.people.start()
	a.sync("first")
	a.api.Meddle = func() { h.meddle(12) }
	a.api.Fail = h.fail
	a.studio.Fault(func(r *http.Request) livepeertest.Fault {
		h.whileAsked()
		return h.request(r)
	})
	for range 1 + a.walk.IntN(6) {
		h.happen()
		a.step()
	}
	a.dice.Lock()
	a.keeps = true
	a.dice.Unlock()
	h.syncHard("asked for")
	a.silence()
	h.collect(true)
	h.settle()
	a.equal()
}

// happen lets something happen to the source or the operator.
func (h *hardship) happen() {
	a := h.account
	switch h.source.IntN(12) {
	case 0:
		a.start()
	case 1:
		h.respecify(func(spec *v1alpha1.LivepeerTaskSourceSpec) {
			if spec.Types == nil {
				spec.Types = []string{"upload", "clip"}
			} else {
				spec.Types = nil
			}
		})
	case 2:
		h.respecify(func(spec *v1alpha1.LivepeerTaskSourceSpec) {
			spec.Interval.Duration = time.Duration(1+h.source.IntN(20)) * time.Second
		})
	case 3: // suspended for a while
		a.process.engine.Forget(keyOf(a.process.source()))
		h.respecify(func(*v1alpha1.LivepeerTaskSourceSpec) {})
		a.process.say(&Report{})
		a.process.echo(h.source.IntN(10))
		h.respecify(func(*v1alpha1.LivepeerTaskSourceSpec) {})
	case 4:
		h.remake()
	case 5:
		a.process.relist()
	case 6:
		a.api.Annotate(v1alpha1.AnnotationRequestedAt, fmt.Sprint("meanwhile ", h.source.IntN(1000)))
	}
	h.collect(false)
}

// respecify changes the spec.
func (h *hardship) respecify(change func(*v1alpha1.LivepeerTaskSourceSpec)) {
	api := h.account.api
	api.Mu.Lock()
	defer api.Mu.Unlock()
	api.Version++
	next := api.Source.DeepCopy()
	change(&next.Spec)
	next.Generation++
	next.ResourceVersion = strconv.Itoa(api.Version)
	api.Source = next
}

// remake deletes the source, and makes another one of the same name.
func (h *hardship) remake() {
	a := h.account
	if h.source.IntN(2) == 0 { // otherwise the operator does not see that it was away
		a.process.engine.Forget(keyOf(a.process.source()))
	}
	a.api.Mu.Lock()
	defer a.api.Mu.Unlock()
	h.uids++
	a.api.Version++
	next := a.api.Source.DeepCopy()
	next.UID = types.UID(fmt.Sprint("uid-of-main-", h.uids))
	next.Generation, next.ResourceVersion, next.Status = 1, strconv.Itoa(a.api.Version), v1alpha1.LivepeerTaskSourceStatus{}
	next.Annotations = map[string]string{}
	a.api.Source = next
}

// collect deletes objects of earlier sources, and those whose finalizers are done: some, or all.
func (h *hardship) collect(all bool) {
	api := h.account.api
	api.Mu.Lock()
	defer api.Mu.Unlock()
	for _, name := range h.names() {
		task := api.Tasks[name]
		owner := metav1.GetControllerOfNoCopy(task)
		orphan := owner != nil && owner.UID != api.Source.UID
		if (orphan || task.DeletionTimestamp != nil) && (all || h.source.IntN(3) == 0) {
			h.remove(task)
		}
	}
}

// remove removes an object. The caller holds the lock.
func (p *people) remove(task *v1alpha1.LivepeerTask) {
	api := p.account.api
	api.Version++
	last := task.DeepCopy()
	last.ResourceVersion = strconv.Itoa(api.Version)
	delete(api.Tasks, task.Name)
	api.Echoes = append(api.Echoes, kubetest.Event{Before: last})
}

// names returns those of all objects, sorted. The caller holds the lock.
func (p *people) names() []string {
	var names []string
	for name := range p.account.api.Tasks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// writing looks at deletions of types that are always in scope.
func (h *hardship) writing(before, after *v1alpha1.LivepeerTask) {
	if before != nil {
		task, _ := h.account.studio.Get(h.born[before.UID])
		if kind := task["type"]; kind != "upload" && kind != "clip" {
			return
		}
	}
	h.people.writing(before, after)
}

// fail says which writes fail without being carried out.
func (h *hardship) fail(name string) error {
	if h.account.quiet.Load() || h.random.IntN(25) > 0 {
		return nil
	}
	return apierrors.NewTooManyRequests("busy: "+name, 1)
}

// request is account.request, without deletions where there are to be none.
func (h *hardship) request(r *http.Request) livepeertest.Fault {
	a := h.account
	a.dice.Lock()
	if !a.quiet.Load() && a.random.IntN(40) == 0 {
		defer a.dice.Unlock()
		switch n := a.random.IntN(3); {
		case n == 0:
			return livepeertest.Replace(http.StatusUnauthorized, "application/json", `{"errors":["no token found"]}`)
		case n == 1 && !a.keeps: // a full sync that is not shown a missing task leaves it to the next regular one
			return livepeertest.Replace(http.StatusForbidden, "application/json", `{"errors":["forbidden"]}`)
		}
		return livepeertest.Fault{Edit: repeated}
	}
	keeps := a.keeps
	a.dice.Unlock()
	fault := a.request(r)
	if keeps { // nor does it show what is old
		fault.From = nil
	}
	return fault
}

// repeated lets a list begin with its first row twice.
func repeated(r *http.Request, answer *livepeertest.Answer) {
	if !livepeertest.IsList(r) {
		return
	}
	depth, body := 0, answer.Body
	for i, c := range body {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				answer.Body = slices.Concat([]byte("["), body[1:i+1], []byte(","), body[1:])
				return
			}
		case '"':
			// names and texts of these tasks hold no brackets
		}
	}
}

// syncHard lets a full sync be carried through while all sorts of things happen.
func (h *hardship) syncHard(request string) {
	a := h.account
	a.api.Annotate(v1alpha1.AnnotationRequestedAt, request)
	for range 60 {
		a.step()
		if a.process.source().Status.LastHandledReconcileAt == request {
			return
		}
		if h.source.IntN(3) == 0 {
			h.happen()
			a.api.Annotate(v1alpha1.AnnotationRequestedAt, request)
		}
	}
}

// settle lets steps follow until none is due for long.
func (h *hardship) settle() {
	a := h.account
	last, rests := "", 0
	for range 60 {
		a.process.echo(-1)
		a.process.rest()
		a.process.echo(-1)
		p := a.process.of()
		p.mu.Lock()
		next := p.state.Schedule.NextFull.Sub(a.now())
		busy := p.state.Behind() || p.state.Polling() || p.state.Listing()
		wait := p.state.Wait(a.now())
		p.mu.Unlock()
		if !busy && next > 5*time.Hour && !a.process.asking() && !p.rechecks.Handoff.Waiting() {
			if rests++; rests == 3 { // a full sync that is wanted begins with the next step
				return
			}
		} else {
			rests = 0
		}
		last = fmt.Sprint(next, " busy ", busy, " asking ", a.process.asking(), " waiting ", p.rechecks.Handoff.Waiting(), " wait ", wait)
		a.tick(max(wait, 5*time.Minute))
	}
	a.fatalf("it does not settle: %s", last)
}
