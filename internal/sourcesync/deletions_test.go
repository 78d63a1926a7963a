// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// mostQuestions is how many questions about single tasks of a source may be under way.
const mostQuestions = 8

// emptied is a mirror of an account of which many tasks are gone, fewer than would need a confirmation; and what Studio is asked.
type emptied struct {
	*process

	studio    *livepeertest.Server
	mu        sync.Mutex
	polls     int    // since the first question
	asked     int    // about single tasks
	answering int    // of these, now
	most      int    // of these at once
	hold      func() // keeps a question waiting
	late      func() // keeps the answer waiting
	listed    func() // is called before a list is answered
}

// newEmptied mirrors an account, and has some of its tasks deleted in Studio. A full sync is due then.
func newEmptied(t *testing.T, tasks, gone int) *emptied {
	t.Helper()
	e := &emptied{studio: livepeertest.NewServer(), hold: func() {}, late: func() {}, listed: func() {}}
	e.studio.Populate(tasks, 1)
	server := httptest.NewServer(http.HandlerFunc(e.answer))
	t.Cleanup(server.Close)
	api := kubetest.NewAPI(server.URL)
	api.Source.Spec.Interval.Duration = time.Second
	e.process = newProcess(t, api, time.Now)
	e.syncs(t, "")
	if len(api.Tasks) != tasks {
		t.Fatalf("%d of %d tasks are mirrored", len(api.Tasks), tasks)
	}
	for _, id := range e.studio.IDs()[:gone] {
		e.studio.Purge(id)
	}
	return e
}

func (e *emptied) answer(w http.ResponseWriter, r *http.Request) {
	said := httptest.NewRecorder()
	defer func() {
		e.studio.ServeHTTP(said, r)
		if strings.Contains(r.URL.Path, "/task/") {
			e.late()
		}
		maps.Copy(w.Header(), said.Header())
		w.WriteHeader(said.Code)
		_, _ = w.Write(said.Body.Bytes())
	}()
	e.mu.Lock()
	if isList := !strings.Contains(r.URL.Path, "/task/"); isList {
		if e.asked > 0 {
			e.polls++
		}
		listed := e.listed
		e.mu.Unlock()
		listed()
		return
	}
	e.asked++
	e.answering++
	e.most = max(e.most, e.answering)
	e.mu.Unlock()
	e.hold()
	e.mu.Lock()
	e.answering--
	e.mu.Unlock()
}

// seen tells how many polls and questions there were, and how many questions are being answered.
func (e *emptied) seen() (polls, asked, answering int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.polls, e.asked, e.answering
}

// syncs lets a full sync be carried through.
func (e *emptied) syncs(t *testing.T, requested string) {
	t.Helper()
	late := time.Now().Add(time.Minute)
	for status := e.source().Status; status.LastFullSyncTime == nil || status.LastHandledReconcileAt != requested; status = e.source().Status {
		if e.step(); time.Now().After(late) {
			t.Fatal("the full sync does not end")
		}
	}
}

// until returns what waits for something, at most for a minute.
func until(t *testing.T, so func() bool) func() {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return func() {
		often := time.NewTicker(time.Millisecond)
		defer often.Stop()
		for !so() {
			select {
			case <-often.C:
			case <-ctx.Done():
				t.Error("it never comes to be so")
				return
			}
		}
	}
}

// TestDeletionsKeepNobodyWaiting: 8 questions about missing tasks are under way, and no more, while a poll is made when it is due and
// while something is deleted. Here the first 8 are answered after a poll, and the first deletion when more was asked since it began, and two
// polls were made, one after the other.
func TestDeletionsKeepNobodyWaiting(t *testing.T) {
	g := NewWithT(t)
	e := newEmptied(t, 400, 190)
	e.hold = until(t, func() bool {
		polls, asked, answering := e.seen()
		return polls > 0 && answering == mostQuestions || asked > mostQuestions
	})
	var first sync.Once
	e.api.Writing = func(_, after *v1alpha1.LivepeerTask) {
		if after != nil {
			return
		}
		first.Do(func() {
			polled, before, _ := e.seen()
			until(t, func() bool {
				polls, asked, _ := e.seen()
				return asked > before && polls >= polled+2
			})()
		})
	}
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	e.syncs(t, "now")
	g.Expect(e.api.Tasks).To(HaveLen(400 - 190))
	g.Expect(e.most).To(Equal(mostQuestions))
	g.Expect(e.asked).To(Equal(190))
}

// TestQuestionsEndWhereStudioWantsToBeLeftAlone: after a 429 with a Retry-After, nothing more is asked than was under way, even while
// deletions are waited for; and what was answered before is deleted.
func TestQuestionsEndWhereStudioWantsToBeLeftAlone(t *testing.T) {
	g := NewWithT(t)
	const limited = 20
	e := newEmptied(t, 400, 190)
	e.studio.Fault(func(*http.Request) livepeertest.Fault {
		if _, asked, _ := e.seen(); asked < limited {
			return livepeertest.Fault{}
		}
		return livepeertest.RateLimited("3600")
	})
	idle := until(t, e.of().rechecks.Idle)
	e.api.Writing = func(_, after *v1alpha1.LivepeerTask) {
		if after == nil {
			idle()
		}
	}
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	var report Report
	g.Eventually(func() string {
		report = e.step()
		if !report.Judged {
			return ""
		}
		return report.Outcome.Reason
	}, soon).Should(Equal(v1alpha1.ReasonRateLimited))
	g.Expect(e.until()).To(BeNumerically(">", 50*time.Minute))
	_, asked, _ := e.seen()
	g.Expect(asked).To(BeNumerically("<", limited+mostQuestions))
	g.Expect(len(e.api.Tasks)).To(And(BeNumerically("<", 400), BeNumerically(">", 400-limited)))
}

// TestWhatChangesWhileItIsListedIsLookedAtAgain: the cluster tells of a change of an object only while a full sync lists, as of a repair that
// has just been made. That full sync leaves the object alone, though its task is gone; another comes soon, long before the resync interval.
func TestWhatChangesWhileItIsListedIsLookedAtAgain(t *testing.T) {
	g := NewWithT(t)
	e := newEmptied(t, 5, 0)
	newest := e.studio.IDs()[0] // also what nothing is newer than
	for _, id := range e.studio.IDs() {
		if task, at := e.api.Tasks[id], e.api.Tasks[newest]; at.Status.UpdatedAt.Before(task.Status.UpdatedAt) {
			newest = id
		}
	}
	e.studio.Purge(newest)
	e.mu.Lock()
	e.listed = sync.OnceFunc(func() { e.changes(newest) })
	e.mu.Unlock()
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	e.syncs(t, "now")
	g.Expect(e.api.Tasks).To(HaveKey(newest))
	g.Eventually(func() map[string]*v1alpha1.LivepeerTask {
		e.step()
		return e.api.Tasks
	}, soon).ShouldNot(HaveKey(newest))
	g.Expect(e.api.Tasks).To(HaveLen(4))
}

// TestWhatIsGoneDoesNotComeBack: Studio has answered a question about a task, and the answer is still on its way while the task is deleted
// and a full sync finds that. What the answer says is not written after the object was deleted.
func TestWhatIsGoneDoesNotComeBack(t *testing.T) {
	g := NewWithT(t)
	e := newEmptied(t, 5, 0)
	gone := e.studio.IDs()[0]
	answered, handled := make(chan struct{}), make(chan struct{})
	var first sync.Once
	e.late = func() {
		isFirst := false
		first.Do(func() { isFirst = true })
		if isFirst { // the full sync's question is answered meanwhile
			close(answered)
			<-handled
		}
	}
	e.engine.Recheck(keyOf(e.source()), gone, plan.ExternalChange)
	g.Eventually(answered, soon).Should(BeClosed())
	e.studio.Purge(gone)
	e.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	e.syncs(t, "now")
	close(handled)
	g.Eventually(e.asking, soon).Should(BeFalse())
	g.Eventually(func() map[string]*v1alpha1.LivepeerTask {
		e.step()
		return e.api.Tasks
	}, soon).ShouldNot(HaveKey(gone))
	g.Expect(e.api.Tasks).To(HaveLen(4))
}
