// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// soon is for a machine that is busy with other things.
const soon = 4 * time.Minute

// steppedClock is the real clock, save that it says what a test wants.
type steppedClock struct {
	clock.RealClock

	now func() time.Time
}

func (c steppedClock) Now() time.Time                  { return c.now() }
func (c steppedClock) Since(t time.Time) time.Duration { return c.now().Sub(t) }

// AfterFunc makes pauses of seconds ones of milliseconds. By a clock that stands still, what is looked at again is never due: not too often.
func (c steppedClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	return c.RealClock.AfterFunc(max(d/1000, 20*time.Millisecond), f)
}

// process is a process of the operator that follows the one source of an API server in memory.
type process struct {
	t      testing.TB
	api    *kubetest.API
	index  *taskstore.Index
	engine *Engine
	wakes  chan struct{}
	end    func()

	watcher int // see kubetest.API.Watch

	// metadata: the watch shows versions only, and tasks are read.
	metadata bool
	unread   chan types.NamespacedName
}

// newProcess returns a new process, which knows what is stored.
func newProcess(t testing.TB, api *kubetest.API, now func() time.Time, observers ...taskstore.Observer) *process {
	t.Helper()
	return newProcessBy(t, api, steppedClock{now: now}, observers...)
}

// newProcessBy returns one that goes by a clock.
func newProcessBy(
	t testing.TB, api *kubetest.API, by clock.WithDelayedExecution, observers ...taskstore.Observer,
) *process {
	t.Helper()
	index := taskstore.NewIndex()
	p := &process{
		t: t, api: api, index: index, watcher: api.Watch(index.See), wakes: make(chan struct{}, 1), unread: make(chan types.NamespacedName, 1<<16),
	}
	index.NotifyUnread(func(key types.NamespacedName) { p.unread <- key })
	connection := sync.OnceValues(func() (*Connection, error) {
		redactor := redact.New(livepeertest.APIKey)
		made, err := studio.New(studio.Config{
			BaseURL: api.Source.Spec.URL, Key: studio.NewKey(livepeertest.APIKey), Timeout: api.Source.Spec.Timeout.Duration, Redactor: redactor,
			Now: by.Now,
		})
		return &Connection{Client: made, Redactor: redactor, Fingerprint: "print"}, err
	})
	p.engine = New(Config{
		Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: api}, api, index, observers...), Clock: by, Log: logr.Discard(),
		Pushed:  prometheus.NewHistogram(prometheus.HistogramOpts{}),
		Connect: func(context.Context, *v1alpha1.LivepeerTaskSource) (*Connection, error) { return connection() },
		Wake: func(types.NamespacedName) {
			select {
			case p.wakes <- struct{}{}:
			default:
			}
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.engine.Start(ctx)
	}()
	<-p.engine.Started()
	p.end = sync.OnceFunc(func() {
		cancel()
		<-done
		if connection, err := connection(); err == nil {
			connection.Client.Close()
		}
	})
	t.Cleanup(p.end)
	return p
}

// step waits until a step of the source has ended, and says in its status how that went. The next may be under way.
func (p *process) step() Report {
	p.t.Helper()
	late := time.After(5 * time.Minute)
	for {
		report := p.sync()
		if report.Ended {
			p.say(&report)
		}
		if report.Ended || !p.busy() { // or nothing is due
			return report
		}
		select {
		case <-p.wakes:
		case <-late:
			p.t.Fatal("a step does not end")
		}
	}
}

// sync is what the engine does, save that what is due later waits for the next.
func (p *process) sync() Report {
	s := p.of()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begin(p.source(), s.engine.Clock.Now())
}

// until is how long it is until the source is to be looked at.
func (p *process) until() time.Duration {
	s := p.of()
	s.mu.Lock()
	defer s.mu.Unlock()
	_, after := s.next(s.engine.Clock.Now())
	return after
}

// rest waits until nothing is due.
func (p *process) rest() Report {
	p.t.Helper()
	late := time.After(5 * time.Minute)
	report := p.step()
	for p.busy() || p.asking() {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			p.t.Fatal("it never rests")
		}
		report = p.step()
	}
	return report
}

func (p *process) source() *v1alpha1.LivepeerTaskSource {
	p.api.Mu.Lock()
	defer p.api.Mu.Unlock()
	return p.api.Source.DeepCopy()
}

func (p *process) of() *Source { return p.engine.source(keyOf(p.source())) }

// busy reports whether a step is under way, or has ended and was not returned yet.
func (p *process) busy() bool {
	s := p.of()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.step != nil || s.ended != nil
}

// asking reports whether tasks are, or will be, asked for one by one.
func (p *process) asking() bool {
	return !p.of().rechecks.Idle()
}

// say writes the status of the source, as far as a restart needs it.
func (p *process) say(report *Report) {
	p.api.Mu.Lock()
	defer p.api.Mu.Unlock()
	next := p.api.Source.DeepCopy()
	status := &next.Status
	status.ObservedGeneration = next.Generation
	status.Tasks = p.index.Counts(taskstore.SourceIDOf(next))
	status.Tasks.Omitted, status.SyncedGeneration, status.MirroredBefore = report.Omitted, report.SyncedGeneration, report.MirroredBefore
	if !report.FullSyncAt.IsZero() {
		status.LastFullSyncTime = &metav1.Time{Time: report.FullSyncAt.Truncate(time.Second)}
		status.LastHandledReconcileAt = report.Handled
	}
	if !report.PolledAt.IsZero() {
		status.LastPollTime = &metav1.Time{Time: report.PolledAt.Truncate(time.Second)}
	}
	if report.Judged {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionReady, Reason: report.Outcome.Reason, Message: report.Outcome.Message,
		})
	}
	p.api.Source = next
}

// echo shows the index up to n changes that it has not seen yet, oldest first, as the cache does; all if n is negative.
func (p *process) echo(n int) {
	p.api.TakeEchoes(p.watcher, n, func(before, after *v1alpha1.LivepeerTask) {
		switch {
		case after == nil:
			p.index.Deleted(client.ObjectKeyFromObject(before), before.UID)
		case p.metadata:
			p.index.Notice(client.ObjectKeyFromObject(after), after.ResourceVersion)
		case before == nil:
			p.index.See(after)
		default:
			p.index.Observe(after)
		}
	})
	p.look(n)
}

// look reads up to n tasks that were shown without their content; all if n is negative.
func (p *process) look(n int) {
	for ; n != 0; n-- {
		select {
		case key := <-p.unread:
			p.index.BeginRead(key)
			task := &v1alpha1.LivepeerTask{}
			var read *taskstore.StoredTask
			if p.api.Get(context.Background(), key, task) == nil {
				entry := mirror.EntryOf(task)
				read = taskstore.StoredOf(&entry)
			}
			p.index.Read(key, read)
		default:
			return
		}
	}
}

// relist lets the watch break off: a list shows what is stored, and nothing of what led there.
func (p *process) relist() {
	p.api.Relist(func(all []*v1alpha1.LivepeerTask, version string) {
		tasks := make([]*taskstore.StoredTask, len(all))
		for i, task := range all {
			entry := mirror.EntryOf(task)
			tasks[i] = taskstore.StoredOf(&entry)
		}
		p.index.Replace("", tasks, version)
	})
}
