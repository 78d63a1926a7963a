// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// beforeTheNext is enough for a machine that is busy with other things, and so short that a regular full sync, one in ten minutes, hardly
// ever hides that nobody remembers.
const beforeTheNext = time.Minute

// goes lets steps follow until a task is no longer mirrored: without another request, and long before the resync interval.
func goes(g *WithT, p *process, id string) {
	g.Eventually(func() []string {
		p.step()
		return p.names()
	}, beforeTheNext).ShouldNot(ContainElement(id))
}

// names returns those of all stored objects.
func (p *process) names() []string {
	p.api.Mu.Lock()
	defer p.api.Mu.Unlock()
	return slices.Collect(maps.Keys(p.api.Tasks))
}

// steered is a mirror of an account of five tasks, by a clock that can be set forward.
type steered struct {
	*process

	studio *livepeertest.Server
	ahead  atomic.Int64
	lists  atomic.Pointer[func()] // is called before a list is answered
}

func newSteered(t *testing.T, observers ...taskstore.Observer) *steered {
	t.Helper()
	s := &steered{studio: livepeertest.NewServer()}
	s.studio.Populate(5, 1)
	s.each(func() {})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/task/") {
			(*s.lists.Load())()
		}
		s.studio.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.process = newProcess(t, kubetest.NewAPI(server.URL), s.now, observers...)
	s.syncs(t)
	return s
}

func (s *steered) each(list func()) { s.lists.Store(&list) }

func (s *steered) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// syncs lets another full sync be carried through.
func (s *steered) syncs(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	before := s.source().Status.LastFullSyncTime
	g.Eventually(func() bool {
		s.step()
		now := s.source().Status.LastFullSyncTime
		return now != nil && !now.Equal(before)
	}, soon).Should(BeTrue())
}

// remade lets somebody delete an object, and waits until it is there again.
func (s *steered) remade(g *WithT, id string) {
	s.api.Mu.Lock()
	object := s.api.Tasks[id]
	delete(s.api.Tasks, id)
	s.api.Mu.Unlock()
	s.index.Deleted(types.NamespacedName{Namespace: object.Namespace, Name: object.Name}, object.UID)
	s.engine.Recheck(keyOf(s.source()), id, plan.ExternalChange)
	g.Eventually(s.asking, soon).Should(BeFalse())
	g.Expect(s.names()).To(ContainElement(id))
}

// TestWhatAQuestionMadeAnewIsLookedAt: a question has made an object anew, whose task is deleted before a full sync begins in the same
// step.
func TestWhatAQuestionMadeAnewIsLookedAt(t *testing.T) {
	g := NewWithT(t)
	s := newSteered(t)
	s.rest()
	s.of().mu.Lock()
	until := s.of().state.Schedule.NextFull.Sub(s.now())
	s.of().mu.Unlock()
	s.ahead.Add(int64(until - time.Second)) // a poll is due, and a full sync in a second
	id := s.studio.IDs()[0]
	s.each(sync.OnceFunc(func() {
		s.remade(g, id)
		s.studio.Purge(id)
		s.ahead.Add(int64(2 * time.Second))
	}))
	s.syncs(t)
	s.ahead.Add(int64(time.Minute))
	goes(g, s.process, id)
}

// TestWhatChangesIsLookedAtAgainAfterARestart: the cluster tells of a change of an object only while a full sync lists. Its task, which is
// gone, is newer than what the first poll after a restart asks for.
func TestWhatChangesIsLookedAtAgainAfterARestart(t *testing.T) {
	g := NewWithT(t)
	e := newEmptied(t, 5, 0)
	at := time.Now().UnixMilli()
	e.studio.Put(livepeertest.Task{
		"id": "late", "type": "upload", "createdAt": at, "status": map[string]any{"phase": "running", "updatedAt": at},
	})
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "before")
	e.syncs(t, "before")
	e.rest()
	e.end()
	e.process = newProcess(t, e.api, time.Now)
	e.studio.Purge("late")
	lists := 0
	e.mu.Lock()
	e.listed = func() {
		if lists++; lists == 2 { // after a poll
			e.changes("late")
		}
	}
	e.mu.Unlock()
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	e.syncs(t, "now")
	g.Expect(e.names()).To(ContainElement("late"))
	goes(g, e.process, "late")
}

// changes lets somebody edit an object.
func (e *emptied) changes(name string) {
	e.api.Mu.Lock()
	changed := e.api.Tasks[name].DeepCopy()
	e.api.Version++
	changed.ResourceVersion, changed.Spec.ProjectID = strconv.Itoa(e.api.Version), "changed"
	e.api.Tasks[name] = changed
	e.api.Mu.Unlock()
	e.index.Observe(changed)
}

// TestWhatIsListedAsDeletedGoes: a server lists deleted tasks too, and says so.
func TestWhatIsListedAsDeletedGoes(t *testing.T) {
	g := NewWithT(t)
	e := newEmptied(t, 5, 0)
	id := e.studio.IDs()[0]
	task, _ := e.studio.Get(id)
	task["deleted"] = true
	raw, err := json.Marshal(task)
	g.Expect(err).NotTo(HaveOccurred())
	e.studio.Delete(id)
	e.studio.Fault(livepeertest.OnLists(livepeertest.Fault{Edit: func(_ *http.Request, answer *livepeertest.Answer) {
		if rows := bytes.TrimPrefix(answer.Body, []byte("[")); len(rows) > 1 {
			answer.Body = fmt.Appendf(nil, "[%s,%s", raw, rows)
		}
	}}))
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	e.syncs(t, "now")
	g.Expect(e.names()).To(And(HaveLen(4), Not(ContainElement(id))))
}

// TestARefusalIsRemembered: the API server refuses a task that a poll finds while a full sync is past its place.
func TestARefusalIsRemembered(t *testing.T) {
	g := NewWithT(t)
	s := newSteered(t)
	s.api.Fail = func(name string) error {
		if name == "00000000-new" {
			return apierrors.NewForbidden(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), name, nil)
		}
		return nil
	}
	s.rest()
	lists := 0
	s.each(func() {
		if lists++; lists != 3 { // a poll, the first page, and the second, which would be empty
			return
		}
		at := s.now().UnixMilli()
		s.studio.Put(livepeertest.Task{
			"id": "00000000-new", "type": "upload", "createdAt": at, "status": map[string]any{"phase": "running", "updatedAt": at},
		})
		s.ahead.Add(int64(30 * time.Second)) // a poll is due
	})
	s.ahead.Add(int64(20 * time.Minute))
	s.syncs(t)
	ready := meta.FindStatusCondition(s.source().Status.Conditions, v1alpha1.ConditionReady)
	g.Expect(ready.Reason).To(Equal(v1alpha1.ReasonRefused), ready.Message)
}

// TestARefusedDeletionIsTold: the API server does not let the operator delete an object whose task is gone.
func TestARefusedDeletionIsTold(t *testing.T) {
	g := NewWithT(t)
	e := newEmptied(t, 5, 1)
	e.api.Fail = func(name string) error {
		return apierrors.NewForbidden(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), name, nil)
	}
	ready := func() string {
		e.step()
		return meta.FindStatusCondition(e.source().Status.Conditions, v1alpha1.ConditionReady).Reason
	}
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	e.syncs(t, "now")
	g.Expect(e.names()).To(HaveLen(5))
	g.Expect(ready()).To(Equal(v1alpha1.ReasonRefused))
	e.api.Mu.Lock()
	e.api.Fail = nil
	e.api.Mu.Unlock()
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "later")
	e.syncs(t, "later")
	g.Expect(e.names()).To(HaveLen(4))
	g.Expect(ready()).To(Equal(v1alpha1.ReasonSynced))
}

// TestALateAnswerBringsNothingBack: Studio has answered a question about an object that somebody deleted; then the task is deleted, and a
// full sync ends that could not find the object. What the answer makes anew is looked at again.
func TestALateAnswerBringsNothingBack(t *testing.T) {
	g := NewWithT(t)
	e := newEmptied(t, 5, 0)
	gone := e.studio.IDs()[0]
	object := e.api.Tasks[gone]
	answered, handled := make(chan struct{}), make(chan struct{})
	e.late = sync.OnceFunc(func() {
		close(answered)
		<-handled
	})
	e.api.Mu.Lock()
	delete(e.api.Tasks, gone)
	e.api.Mu.Unlock()
	e.index.Deleted(types.NamespacedName{Namespace: object.Namespace, Name: object.Name}, object.UID)
	e.engine.Recheck(keyOf(e.source()), gone, plan.ExternalChange)
	g.Eventually(answered, soon).Should(BeClosed())
	e.studio.Purge(gone)
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	e.syncs(t, "now")
	close(handled)
	g.Eventually(e.asking, soon).Should(BeFalse())
	goes(g, e.process, gone)
}

// faulty is an observer with a fault, while it is to have one.
type faulty struct{ atomic.Bool }

func (f *faulty) Wrote(*taskstore.Change) {
	if f.CompareAndSwap(true, false) {
		panic("odd")
	}
}

// TestWhatAFaultDroppedIsReadAgain: a poll has read what changed, and a fault of the operator drops that. The next poll does not take
// Studio's word that nothing has changed since.
func TestWhatAFaultDroppedIsReadAgain(t *testing.T) {
	g := NewWithT(t)
	f := &faulty{}
	s := newSteered(t, f)
	s.rest()
	s.ahead.Add(int64(30 * time.Second))
	s.rest()
	at := s.now().UnixMilli()
	s.studio.Populate(40, 2)
	for _, id := range s.studio.IDs() {
		s.studio.Update(id, func(task livepeertest.Task) { task["status"] = map[string]any{"phase": "new", "updatedAt": at} })
	}
	f.Store(true)
	for range 10 {
		s.ahead.Add(int64(15 * time.Second))
		s.rest()
	}
	g.Expect(f.Load()).To(BeFalse())
	g.Expect(s.names()).To(HaveLen(len(s.studio.IDs())))
	for _, task := range s.api.Tasks {
		g.Expect(task.Status.Phase).To(Equal("new"))
	}
}

// TestAnEditIsUndoneThoughNobodyTellsOfIt: Studio does not show the edited task by ID, as with a key that may only list, or for a user who
// is suspended for a moment; or it shows another.
func TestAnEditIsUndoneThoughNobodyTellsOfIt(t *testing.T) {
	for name, answer := range map[string]livepeertest.Fault{
		"forbidden": livepeertest.Replace(http.StatusForbidden, "application/json", `{"errors":["not allowed"]}`),
		"another":   livepeertest.Says(`{"id":"another","type":"upload"}`),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			e := newEmptied(t, 5, 0)
			e.rest()
			e.studio.Fault(func(r *http.Request) livepeertest.Fault {
				if livepeertest.IsList(r) {
					return livepeertest.Fault{}
				}
				return answer
			})
			for _, id := range e.studio.IDs() {
				e.changes(id)
				e.engine.Recheck(keyOf(e.source()), id, plan.ExternalChange)
			}
			g.Eventually(func() (projects []string) {
				e.step()
				e.api.Mu.Lock()
				defer e.api.Mu.Unlock()
				for _, task := range e.api.Tasks {
					projects = append(projects, task.Spec.ProjectID)
				}
				return projects
			}, beforeTheNext).ShouldNot(ContainElement("changed"))
		})
	}
}
