// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// stepWith is a step in which a task fares so, and the pause after it.
func (s *sending) stepWith(sink *Sink, sent int, err error, now time.Time) time.Duration {
	s.begin(sink, 0)
	s.note("task", sent, err, now)
	s.end(now)
	all, _ := s.pause(now)
	return all
}

// TestPausesOfASink: they grow to a limit, are as long as the sink asks for, end with success, and begin anew with another
// sink or token.
func TestPausesOfASink(t *testing.T) {
	now, sink := time.Now(), &Sink{}
	for kind, want := range map[Kind]struct {
		first, longest time.Duration
		reason         string
	}{
		Unavailable: {sinkPause, maxSinkPause, v1alpha1.ReasonSinkUnavailable},
		Denied:      {deniedPause, maxDeniedPause, v1alpha1.ReasonSinkRefused},
		Unusable:    {deniedPause, maxDeniedPause, v1alpha1.ReasonInvalidSink},
	} {
		state, trouble, last := &sending{}, &Error{Kind: kind, Message: "Not that host."}, time.Duration(0)
		for n := range 20 {
			pause := state.stepWith(sink, 0, trouble, now)
			if pause < want.first || float64(pause) > float64(want.longest)*(1+sinkJitter) || pause < last && last < want.longest {
				t.Errorf("%s: pause %d: %s", kind, n, pause)
			}
			last = pause
		}
		is, _ := state.condition(false)
		if last < want.longest || is.Reason != want.reason || !is.trouble() {
			t.Errorf("%s: %s in the end, %s", kind, last, is.Reason)
		}
		if is.Message != "Not that host. Events are kept and tried again" {
			t.Errorf("%s: %s", kind, is.Message)
		}
		if state.parallel() != 1 {
			t.Errorf("%s: %d at once", kind, state.parallel())
		}
		asked := &Error{Kind: kind, RetryAfter: time.Hour}
		if pause := state.stepWith(sink, 0, asked, now); pause != time.Hour {
			t.Errorf("%s: %s where an hour was asked for", kind, pause)
		}
		other := &Sink{}
		if pause := state.stepWith(other, 1, nil, now); pause != 0 || state.parallel() != sendConcurrency {
			t.Errorf("%s: %s with another sink", kind, pause)
		}
		if is, _ := state.condition(false); is.Reason != v1alpha1.ReasonDelivered {
			t.Errorf("%s: %s after success", kind, is.Reason)
		}
	}
}

// TestAPauseThatWasAskedForIsKept: of tasks that are sent at once, one gets a Retry-After, and others fail otherwise, before and after.
func TestAPauseThatWasAskedForIsKept(t *testing.T) {
	now, state := time.Now(), &sending{}
	state.begin(&Sink{}, 0)
	broken := &Error{Kind: Unavailable, Message: "reset"}
	for _, err := range []error{broken, &Error{Kind: Unavailable, RetryAfter: time.Hour}, broken, errors.New("API server")} {
		state.note("task", 0, err, now)
	}
	state.end(now)
	if all, _ := state.pause(now); all != time.Hour {
		t.Errorf("%s", all)
	}
}

// TestTheAPIServersTroubleIsNotTheSinks: it makes a pause, and no condition.
func TestTheAPIServersTroubleIsNotTheSinks(t *testing.T) {
	state := &sending{}
	if pause := state.stepWith(&Sink{}, 0, errors.New("API server"), time.Now()); pause < sinkPause {
		t.Errorf("%s", pause)
	}
	if is, _ := state.condition(false); is.Reason != "" {
		t.Errorf("%+v", is)
	}
}

// TestSetAside: refused events leave the others alone, however many there are, are tried again one a second at most, and are forgotten
// once their task waits no more.
func TestSetAside(t *testing.T) {
	const many = 2 * int(maxRefusedPause/refusedSpacing)
	now, state := time.Now(), &sending{}
	refused := &Error{Kind: Refused, Message: "no"}
	state.begin(&Sink{}, 0)
	names := make([]string, many)
	for n := range names {
		names[n] = fmt.Sprintf("task-%05d", n)
		state.note(names[n], 0, refused, now)
	}
	if state.over() {
		t.Error("all others wait")
	}
	if due := state.due(append(slices.Clone(names), "task-well"), now); !slices.Equal(due, []string{"task-well"}) {
		t.Errorf("%d due at once", len(due))
	}
	again := 0
	for after := time.Duration(0); after <= maxRefusedPause; after += time.Minute {
		for _, name := range state.due(names, now.Add(after)) {
			state.note(name, 0, refused, now.Add(after))
			again++
		}
	}
	if most := int(3 * maxRefusedPause / refusedSpacing / 2); again == 0 || again > most {
		t.Errorf("%d attempts in an hour", again)
	}
	state.due(names[:1], now)
	if len(state.quarantine) != 1 {
		t.Errorf("%d are remembered of 1 that waits", len(state.quarantine))
	}
}

// TestTheConditionNamesARefusedEventThatWaits: the same one as long as it does.
func TestTheConditionNamesARefusedEventThatWaits(t *testing.T) {
	now, state := time.Now(), &sending{}
	state.begin(&Sink{}, 0)
	for _, name := range []string{"b", "a", "c"} {
		state.note(name, 0, &Error{Kind: Refused, Message: "not " + name + "."}, now)
	}
	says := func(want string) {
		t.Helper()
		state.end(now)
		if is, _ := state.condition(false); is.Reason != v1alpha1.ReasonSinkRefused || !strings.HasPrefix(is.Message, want) {
			t.Errorf("%+v instead of %s", is, want)
		}
	}
	says("not a. The event of task a ")
	state.note("c", 0, &Error{Kind: Refused, Message: "not c again"}, now)
	says("not a. The event of task a ")
	state.note("a", 1, nil, now)
	says("The sink refuses events. The event of task b ")
	state.note("c", 0, &Error{Kind: Refused, Message: "not c again"}, now)
	says("The sink refuses events. The event of task b ")
	state.note("b", 0, &Error{Kind: Refused, Message: "not b"}, now)
	says("not b. The event of task b ")
}

// TestAttemptsAreKeptWhereAStepEnds: the pause of a refused event goes on growing where a step ended before its turn.
func TestAttemptsAreKeptWhereAStepEnds(t *testing.T) {
	now, state := time.Now(), &sending{}
	state.begin(&Sink{}, 0)
	state.note("a", 0, &Error{Kind: Refused, Message: "no"}, now)
	state.note("b", 0, &Error{Kind: Unavailable, Message: "reset"}, now)
	state.note("a", 0, nil, now)
	if state.quarantine["a"].attempts != 1 {
		t.Error("forgotten")
	}
}

// TestGoneWhileSetAside: a task that is gone, which the index may learn of only later, is no reason for turns without a pause.
func TestGoneWhileSetAside(t *testing.T) {
	now, state, sink := time.Now(), &sending{}, &Sink{}
	state.stepWith(sink, 0, &Error{Kind: Refused, Message: "no"}, now)
	later := now.Add(2 * refusedPause)
	state.stepWith(sink, 0, nil, later)
	if all, quarantine := state.pause(later); all != 0 || quarantine != 0 {
		t.Errorf("the next step comes after %s, or %s", all, quarantine)
	}
}

// TestWellAgainButForRefused: where the sink takes events again, the condition no longer says that it is out of reach, but
// which event it refuses.
func TestWellAgainButForRefused(t *testing.T) {
	now, state, sink := time.Now(), &sending{}, &Sink{}
	state.begin(sink, 0)
	state.note("bad", 0, &Error{Kind: Refused, Message: "no such event"}, now)
	state.end(now)
	state.stepWith(sink, 0, &Error{Kind: Unavailable, Message: "out of reach"}, now)
	if is, _ := state.condition(false); is.Reason != v1alpha1.ReasonSinkUnavailable {
		t.Errorf("%+v while the sink is out of reach", is)
	}
	state.stepWith(sink, 1, nil, now.Add(maxSinkPause))
	if is, _ := state.condition(false); is.Reason != v1alpha1.ReasonSinkRefused || !strings.Contains(is.Message, "task bad") {
		t.Errorf("%+v", is)
	}
}

// TestStepsGoOnWhereTheLastBegan: a step begins behind the task that the last one began with.
func TestStepsGoOnWhereTheLastBegan(t *testing.T) {
	state := &sending{last: "b"}
	if due := state.due([]string{"a", "b", "c"}, time.Now()); !slices.Equal(due, []string{"c", "a", "b"}) {
		t.Errorf("%v", due)
	}
}

// TestEventsTellOfChangesOnly: one where trouble begins, changes or ends.
func TestEventsTellOfChangesOnly(t *testing.T) {
	state := &sending{}
	for _, step := range []struct {
		reason  string
		changed bool
	}{
		{v1alpha1.ReasonNothingSent, false}, {v1alpha1.ReasonDelivered, false}, {v1alpha1.ReasonSinkUnavailable, true},
		{v1alpha1.ReasonSinkUnavailable, false}, {v1alpha1.ReasonSinkRefused, true}, {v1alpha1.ReasonDelivered, true},
		{v1alpha1.ReasonDelivered, false},
	} {
		state.health = Health{Reason: step.reason}
		if _, changed := state.condition(true); changed != step.changed {
			t.Errorf("%s: an Event: %v", step.reason, changed)
		}
	}
}
