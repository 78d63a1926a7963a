// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
	"github.com/livepeer/livepeer-task-operator/internal/syncstate"
	"github.com/livepeer/livepeer-task-operator/internal/syncstep"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// Source is one source: the progress of its mirroring, and what is under way. It has at most one step under way, which
// alone touches its state, and a few questions about single tasks.
type Source struct {
	engine *Engine
	key    types.NamespacedName

	mu    sync.Mutex
	spec  *v1alpha1.LivepeerTaskSource // as it was last synced; nil before
	state *syncstep.State
	stepping
	// connection is the fingerprint of the last step's.
	connection string
	reconnects reconnects
	alarm      clock.Timer // calls look; nil before the first sync
	forgotten  bool
	before     <-chan struct{} // closed once nothing of an earlier Source of this key is under way; nil if nothing was

	pulse
	rechecks *recheck.Queue
}

// stepping is the step of a source that is under way, and what the last one left.
type stepping struct {
	step  *step            // under way; nil if none is
	ended *Report          // of the last step, until sync returns it
	told  time.Time        // when the last step ended, and reported how it went
	again bool             // the next sync begins a step, even if nothing is due
	begun syncstate.Inputs // of the last step: if they change, a step begins at once
}

// pulse tells whether the API of a source is silent. It needs no lock.
type pulse struct {
	answered atomic.Int64 // when the API last answered, in nanoseconds since 1970
	writing  atomic.Bool  // the step waits for Kubernetes, not for the API
}

// step is a step that is under way.
type step struct {
	began  time.Time
	cancel context.CancelFunc
	ended  chan struct{}
}

func newSource(engine *Engine, key types.NamespacedName) *Source {
	s := &Source{engine: engine, key: key}
	s.rechecks = recheck.NewQueue(&engine.rechecks, key, s)
	return s
}

// sync takes in the source as it is now, starts a step if one is due, and sets the alarm.
func (s *Source) sync(source *v1alpha1.LivepeerTaskSource) Report {
	now := s.engine.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgotten { // at this moment: whoever forgets a source that is there has it synced again
		return Report{}
	}
	report := s.begin(source, now)
	var after time.Duration
	report.Silent, after = s.next(now)
	s.lookAfter(after)
	return report
}

// begin takes in the source, and starts a step if one is due. The caller holds the lock.
func (s *Source) begin(source *v1alpha1.LivepeerTaskSource, now time.Time) Report {
	s.meet(source, now)
	if s.step != nil {
		if s.begun.Generation != source.Generation {
			s.step.cancel()
		}
		return Report{}
	}
	report := Report{}
	if s.ended != nil {
		if s.begun.Generation == source.Generation { // otherwise the report is about an earlier spec
			report = *s.ended
		}
		s.ended = nil
	}
	if s.again || s.state.Wait(now) <= 0 || s.begun != syncstate.InputsOf(source) || s.rechecks.Handoff.Waiting() {
		s.start(source)
	}
	return report
}

// meet takes in the source. A source that was recreated under the same name starts afresh. The caller holds the lock.
func (s *Source) meet(source *v1alpha1.LivepeerTaskSource, now time.Time) {
	known := s.spec
	s.spec = source
	if known != nil && known.UID == source.UID {
		return
	}
	s.drop()
	s.ended, s.state = nil, &syncstep.State{}
	s.answered.Store(now.UnixNano())
	s.state.Resume(source, s.engine.Index.Entries(taskstore.SourceIDOf(source)), now)
	s.rechecks.Handoff.Begin(s.state.Retention.NotifyAfter)
	s.rechecks.Open()
}

// start begins a step. The caller holds the lock.
func (s *Source) start(source *v1alpha1.LivepeerTaskSource) {
	state, this := s.state, &step{began: s.engine.Clock.Now(), ended: make(chan struct{})}
	ready := make(chan struct{})
	if !s.engine.run(func(ctx context.Context) {
		defer close(this.ended)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		this.cancel = cancel
		close(ready)
		report := s.contained(ctx, source, state)
		s.mu.Lock()
		s.step, s.told = nil, s.engine.Clock.Now()
		if ctx.Err() == nil {
			s.ended = &report
		} else {
			s.again = true
		}
		forgotten := s.forgotten
		if forgotten || state != s.state {
			state.Close()
		}
		s.mu.Unlock()
		if !forgotten {
			s.Wake()
		}
	}) {
		return
	}
	<-ready
	s.step, s.again, s.begun = this, false, syncstate.InputsOf(source)
}

// StepSoon requests a sync that begins a step, even if nothing is due.
func (s *Source) StepSoon() {
	s.mu.Lock()
	s.again = true
	s.mu.Unlock()
	s.Wake()
}

// Wake requests a sync of the source.
func (s *Source) Wake() { s.engine.Wake(s.key) }

// Spec returns the source as it was last synced; nil before.
func (s *Source) Spec() *v1alpha1.LivepeerTaskSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spec
}

// meetSoon requests a sync of a source that is not known yet: until then, questions about its tasks wait.
func (s *Source) meetSoon() {
	if !s.rechecks.Opened() {
		s.Wake()
	}
}

// drop cancels the step under way, which then closes the state; without a step, it closes the state. The caller holds the lock.
func (s *Source) drop() {
	switch {
	case s.step != nil:
		s.step.cancel()
	case s.state != nil:
		s.state.Close()
	}
}

// errNotDue says that a step had nothing to do, as after an event that changed nothing.
var errNotDue = errors.New("nothing is due")

// contained is work that survives a panic. After one, it does not look at the state, except for the schedule.
func (s *Source) contained(ctx context.Context, source *v1alpha1.LivepeerTaskSource, state *syncstep.State) (report Report) {
	if err := condition.Contain(s.engine.Log, func() error {
		report = s.work(ctx, source, state)
		return nil
	}); err != nil {
		outcome := state.Schedule.Failed(err, source.Spec.Interval.Duration, s.engine.Clock.Now())
		s.engine.Metrics.Failed(s.key, metrics.KindPoll, outcome.Reason)
		report = Unchanged(source, outcome)
	}
	return report
}

// work does what is due, and reports how that went. After a failure, the outcome says when the next attempt is.
func (s *Source) work(ctx context.Context, source *v1alpha1.LivepeerTaskSource, state *syncstep.State) Report {
	clock := s.engine.Clock
	defer func() { s.rechecks.Handoff.Publish(&state.State, state.Polling(), clock.Now()) }()
	s.rechecks.Handoff.Settle(&state.Schedule, state.Polling(), clock.Now())
	connection, err := s.connect(ctx, source)
	if err != nil {
		s.connected("")
	} else {
		s.connected(connection.Fingerprint)
		s.renew(ctx, source, connection)
		state.Update(source, syncstate.Observed{
			Fingerprint: connection.Fingerprint, Stored: s.stored(source), Listing: state.Listing(),
			Freed: state.Health.Rejected.Freed(s.engine.Index.Lookup(source.Namespace)),
		}, s.rechecks.Handoff.TakeFullSync, clock.Now())
		if state.Wait(clock.Now()) > 0 {
			err = errNotDue
		} else {
			err = s.mirror(ctx, source, connection, state)
		}
	}
	if ctx.Err() != nil {
		return Report{}
	}
	var failure *Outcome
	switch {
	case errors.Is(err, errNotDue):
		failure = state.Schedule.Asked(clock.Now()) // report it again, also after another problem
	case err == nil:
		state.Schedule.Succeeded()
	default:
		state.Yield()
		outcome := state.Schedule.Failed(err, source.Spec.Interval.Duration, clock.Now())
		kind := metrics.KindPoll
		if state.Listing() && !state.Polling() {
			kind = metrics.KindFull
		}
		s.engine.Metrics.Failed(s.key, kind, outcome.Reason)
		failure = &outcome
	}
	return s.report(source, state, failure != nil || !errors.Is(err, errNotDue), failure)
}

// connect opens the connection. The time that Kubernetes takes to return the Secret is not blamed on Studio.
func (s *Source) connect(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error) {
	s.writing.Store(true)
	defer s.writing.Store(false)
	return s.engine.Connect(ctx, source)
}

// connected notes the fingerprint of the connection that the step works with from now on; empty for none.
func (s *Source) connected(fingerprint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connection = fingerprint; s.step != nil {
		s.step.began = s.engine.Clock.Now()
	}
}

// mirror polls and lists what is due, once its namespace has a free slot for a listing.
func (s *Source) mirror(
	ctx context.Context, source *v1alpha1.LivepeerTaskSource, connection *Connection, state *syncstep.State,
) error {
	release, err := s.engine.listings.Acquire(ctx, s.key)
	if err != nil {
		return err
	}
	defer release()
	return syncstep.Run(ctx, &s.engine.steps, &syncstep.Job{
		Key: s.key, Source: source, Connection: connection, State: state, Rechecks: s.rechecks, Monitor: s,
	})
}

// stored returns the number of mirrored tasks.
func (s *Source) stored(source *v1alpha1.LivepeerTaskSource) int {
	return int(s.engine.Index.Counts(taskstore.SourceIDOf(source)).Total)
}

// Heard notes that the API has answered.
func (s *Source) Heard() { s.answered.Store(s.engine.Clock.Now().UnixNano()) }

// Storing runs what waits for the Kubernetes API server: silence of Studio meanwhile is not Studio's fault.
func (s *Source) Storing(work func()) {
	s.writing.Store(true)
	work()
	s.Heard()
	s.writing.Store(false)
}
