// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

// Pauses between attempts, each from the first to the longest.
const (
	sinkPause, maxSinkPause       = time.Second, 5 * time.Minute       // the sink is out of reach, or broken
	deniedPause, maxDeniedPause   = 30 * time.Second, 10 * time.Minute // it accepts nothing from the operator
	refusedPause, maxRefusedPause = time.Minute, time.Hour             // it does not accept one task's event
	serverPause, maxServerPause   = time.Second, 30 * time.Second      // the API server does not answer
	sinkJitter                    = 0.2
	// refusedSpacing is the time between two attempts at refused events of a source, on average, however many there are.
	refusedSpacing = time.Second
)

// sending is the state of one source's sending. It is in memory only: the outboxes are in the tasks.
type sending struct {
	uid  types.UID
	sink *Sink // to which the rest applies

	mu           sync.Mutex
	retryAt      time.Time // nothing is sent before
	failures     int       // steps in a row that failed for all tasks alike
	sent         bool      // in this step
	failed       error     // why this step has to end
	quarantine   map[string]quarantined
	refused      refusal // of one of them
	last         string  // the last task that a step has tried: the next step goes on behind it
	health       Health
	spec, judged int64  // generations: of the spec that this step goes by, and of the one that health is of; 0: of none that there is now
	lastReported string // the reason of the last Event
}

// quarantined is a task whose event the sink refuses.
type quarantined struct {
	until    time.Time
	attempts int
}

// refusal is what the condition says of one task in quarantine: the first by name that was tried, so that it seldom changes.
type refusal struct {
	task, message string
}

// errRepeats says that the sink has taken an event, and will get it again.
var errRepeats = errors.New("it will be sent again")

// Health is what the condition Delivering says; zero if nothing is known yet.
type Health struct {
	Reason, Message string
}

// begin prepares for a step that sends to this sink, by the spec of a generation. After a change of sink or token, there is an attempt at
// once, and what is known of the earlier sink does not count. After a restart, it does if the spec is the same.
func (s *sending) begin(sink *Sink, generation int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sink != sink {
		if (s.sink != nil || s.judged != generation) && s.health.Reason == v1alpha1.ReasonDelivered {
			s.health = Health{}
		}
		s.sink, s.retryAt, s.failures, s.quarantine, s.judged = sink, time.Time{}, 0, map[string]quarantined{}, 0
	} else if s.judged != 0 {
		s.judged = generation
	}
	s.sent, s.failed, s.spec = false, nil, generation
}

// due returns the tasks that are due, and forgets those in quarantine that no longer wait. It begins behind the
// last task that a step has tried, so that tasks at the front do not hold up the rest.
func (s *sending) due(names []string, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.quarantine, func(name string, _ quarantined) bool {
		_, waits := slices.BinarySearch(names, name)
		return !waits
	})
	at, found := slices.BinarySearch(names, s.last)
	if found {
		at++
	}
	var due []string
	for _, name := range slices.Concat(names[at:], names[:at]) {
		if now.Before(s.quarantine[name].until) {
			continue
		}
		due = append(due, name)
	}
	return due
}

// note takes in the result of a task: how many events were sent, and the error that stopped the rest. After an error, the task goes
// on later with the event that failed, so that its order is kept.
func (s *sending) note(name string, sent int, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = name
	s.sent = s.sent || sent > 0
	if err == nil {
		if sent > 0 || s.failed == nil { // else it was not tried
			delete(s.quarantine, name) // also if nothing waits any more, and the index does not know yet
		}
		return
	}
	trouble, _ := errors.AsType[*Error](err)
	if trouble == nil || trouble.Kind != Refused {
		if s.failed == nil || retryAfter(err) > retryAfter(s.failed) { // of several failures, keep the longest Retry-After
			s.failed = err
		}
		return
	}
	of := s.quarantine[name]
	of.attempts++
	pause := max(condition.Backoff(of.attempts, refusedPause, maxRefusedPause), time.Duration(len(s.quarantine))*refusedSpacing)
	of.until = now.Add(max(trouble.RetryAfter, jittered(pause)))
	s.quarantine[name] = of
	if _, waits := s.quarantine[s.refused.task]; !waits || name <= s.refused.task {
		s.refused = refusal{name, sentence(trouble.Message)}
	}
}

// retryAfter returns the sink's Retry-After.
func retryAfter(err error) time.Duration {
	if trouble, ok := errors.AsType[*Error](err); ok {
		return trouble.RetryAfter
	}
	return 0
}

// over reports whether the step has to end.
func (s *sending) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed != nil
}

// doubtful reports whether the sink may not answer: the last attempt failed, perhaps before a restart.
func (s *sending) doubtful() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures > 0 || s.health.Reason == v1alpha1.ReasonSinkUnavailable
}

// parallel returns how many tasks may be sent at once: one, if the sink is doubtful.
func (s *sending) parallel() int {
	if s.doubtful() {
		return 1
	}
	return sendConcurrency
}

// end takes in the end of a step.
func (s *sending) end(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent {
		s.failures = 0
	}
	if s.failed == nil {
		s.health, s.judged = s.well(), s.spec
		if len(s.quarantine) > 0 { // it names one of them
			s.health = Health{v1alpha1.ReasonSinkRefused, s.refusal()}
		}
		return
	}
	if errors.Is(s.failed, context.Canceled) {
		return
	}
	s.failures++
	pause, longest := sinkPause, maxSinkPause
	trouble, theirs := errors.AsType[*Error](s.failed)
	if !theirs && !errors.Is(s.failed, errRepeats) {
		pause, longest = serverPause, maxServerPause
	}
	if theirs {
		s.judged = s.spec
		s.health = Health{v1alpha1.ReasonSinkUnavailable, sentence(trouble.Message) + " Events are kept and tried again"}
		if trouble.Kind != Unavailable {
			pause, longest = deniedPause, maxDeniedPause
			s.health.Reason = v1alpha1.ReasonSinkRefused
		}
		if trouble.Kind == Unusable {
			s.health.Reason = v1alpha1.ReasonInvalidSink
		}
	}
	delay := jittered(condition.Backoff(s.failures, pause, longest))
	if theirs {
		delay = max(delay, trouble.RetryAfter)
	}
	s.retryAt = now.Add(delay)
}

// refusal is what the condition says while events are refused.
func (s *sending) refusal() string {
	if _, waits := s.quarantine[s.refused.task]; !waits {
		s.refused = refusal{slices.Min(slices.Collect(maps.Keys(s.quarantine))), "The sink refuses events."}
	}
	return s.refused.message + " The event of task " + s.refused.task +
		" is kept and tried again; others are sent. To have it delivered, make the sink accept it"
}

// sentence ends a text with one period, whether it had one or not: the text may come from elsewhere.
func sentence(text string) string { return strings.TrimRight(text, ". ") + "." }

// well returns what the condition says without trouble.
func (s *sending) well() Health {
	if s.sent || s.health.Reason == v1alpha1.ReasonDelivered {
		return Health{v1alpha1.ReasonDelivered, "The sink accepts the CloudEvents, one for each phase that a task reaches"}
	}
	return Health{v1alpha1.ReasonNothingSent, "No CloudEvent is waiting; one is sent for each phase that a task reaches"}
}

// unusable takes in that there is no sink to send to by the spec of a generation.
func (s *sending) unusable(err *Error, generation int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink, s.judged = nil, generation // with the next sink, there is an attempt at once
	s.health = Health{v1alpha1.ReasonInvalidSink, sentence(err.Message) + " Events are kept until then"}
}

// pause returns how long to send nothing: for all tasks, and until the first one leaves quarantine; 0 if there is no such time.
func (s *sending) pause(now time.Time) (all, quarantine time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.quarantine {
		if left := max(of.until.Sub(now), time.Millisecond); quarantine == 0 || left < quarantine {
			quarantine = left
		}
	}
	return max(0, s.retryAt.Sub(now)), quarantine
}

// of returns the health of a spec of a generation; zero while it is not known.
func (s *sending) of(generation int64) Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.judged != generation {
		return Health{}
	}
	return s.health
}

// condition returns the health, and whether an Event is due: trouble begins, has another reason, or is over.
func (s *sending) condition(tell bool) (is Health, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !tell || s.health.Reason == s.lastReported {
		return s.health, false
	}
	before := s.lastReported
	s.lastReported = s.health.Reason
	return s.health, s.health.trouble() || (Health{Reason: before}).trouble()
}

// trouble reports whether something is wrong.
func (h Health) trouble() bool {
	switch h.Reason {
	case v1alpha1.ReasonSinkUnavailable, v1alpha1.ReasonSinkRefused, v1alpha1.ReasonInvalidSink:
		return true
	}
	return false
}

func jittered(d time.Duration) time.Duration { return wait.Jitter(d, sinkJitter) }
