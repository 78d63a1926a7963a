// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"
	"errors"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// maxAhead bounds what of an answer is read and not yet being written, in bytes of JSON. What is beyond is asked for again.
const maxAhead = 4 << 20

// pollFreely is how much a poll may read whether there is room for it or not, so that it waits for nobody's first sync. In bytes of JSON.
const pollFreely = 32 << 10

// reading is one answer to a listing request while it is read.
type reading struct {
	*syncer

	pass    *studio.Pass
	began   time.Time
	hurried time.Time // since when it is read on without waiting for writers; zero while it is not
	ahead   int       // bytes of what was read since
	free    int       // up to so many bytes need no room
	omitted int
	failed  error
}

// read makes one listing request, and has what differs from the mirror written while it reads on. What there was no time to write is
// pending. It returns how many tasks are beyond the limits of history.
func (s *syncer) read(ctx context.Context, pass *studio.Pass) (omitted int, err error) {
	r, bad := &reading{syncer: s, pass: pass, began: s.now()}, pass.Bad()
	if s.State.poll != nil {
		r.free = s.held() + pollFreely
	}
	listener := s.State.room.Listen(s.Clock, s.held())
	defer listener.Heard()
	err = pass.Next(ctx, func(task studio.Task) bool {
		listener.Heard()
		s.Monitor.Heard()
		defer func() { listener.On(s.held()) }()
		return r.fits(ctx) && r.next(ctx, &task)
	})
	if refusal, ok := errors.AsType[*studio.Error](err); err == nil || ok && refusal.Status > 0 {
		s.Monitor.Heard()
	}
	s.Metrics.LeftOut(s.Key, pass.Bad()-bad)
	if r.failed != nil {
		return r.omitted, r.failed
	}
	return r.omitted, err
}

// fits reports whether there is room for one more task, once what was read is written.
func (r *reading) fits(ctx context.Context) bool {
	if r.fitsNow() {
		return true
	}
	until := r.Clock.After(r.until().Sub(r.now()))
	if len(r.State.pending) > 0 {
		r.failed = r.startBefore(ctx, until)
	}
	for under := len(r.batches); r.failed == nil && under > 0 && !r.fitsNow(); under-- {
		if r.failed = r.wait(under-1, until); len(r.batches) >= under {
			break // out of time
		}
	}
	if r.failed != nil {
		return false
	}
	return r.fitsNow() || r.held() == 0 && r.enter(ctx, r.until())
}

func (r *reading) fitsNow() bool { return r.held() < r.free || r.State.room.Fit(r.held()+1) }

// next takes one task. It returns false where the rest of the answer is better asked for again.
func (r *reading) next(ctx context.Context, task *studio.Task) bool {
	if len(r.State.pending) >= batchSize && !r.hurries() {
		// The answer waits while writers are busy, for as long as there is no hurry.
		r.failed = r.startBefore(ctx, r.Clock.After(r.until().Sub(r.now())))
	}
	if r.failed != nil || r.tooMuch() {
		return false
	}
	if task.Deleted { // no list should hold one that is; the full sync asks for it by ID
		return true
	}
	before := len(r.State.pending)
	r.omitted += r.take(r.pass, task)
	if len(r.State.pending) > before && !r.hurried.IsZero() {
		r.ahead += len(task.Raw)
	}
	return true
}

// hurries reports whether the answer is to be read to its end now, and written afterwards.
func (r *reading) hurries() bool {
	if now := r.now(); r.hurried.IsZero() && !now.Before(r.until()) {
		r.hurried = now
	}
	return !r.hurried.IsZero()
}

// until returns when the hurry begins: before the request runs out of time, and, in a full sync, when a poll is due.
func (r *reading) until() time.Time {
	limit := r.Source.Spec.Timeout.Duration / 3
	if r.State.poll != nil {
		return r.began.Add(limit)
	}
	return r.orPoll(r.began.Add(min(limit, r.Source.Spec.Interval.Duration)))
}

// orPoll returns when the next poll is due, where that is before then.
func (s *syncer) orPoll(then time.Time) time.Time {
	if next := s.State.Schedule.NextPoll; s.State.Watermark.Newest() != 0 && next.Before(then) {
		return next
	}
	return then
}

// tooMuch reports whether the rest of an answer would take too much memory, or too long, as over a slow connection.
func (r *reading) tooMuch() bool {
	if r.hurried.IsZero() {
		return false
	}
	now := r.now()
	return r.ahead > maxAhead || now.Sub(r.began) > r.Source.Spec.Timeout.Duration*2/3 ||
		r.pollDue(now) && now.Sub(r.hurried) > r.Source.Spec.Interval.Duration/4
}

// pollDue reports whether a poll is to begin.
func (s *syncer) pollDue(now time.Time) bool {
	return s.State.poll == nil && s.State.Watermark.Newest() != 0 && !now.Before(s.State.Schedule.NextPoll)
}
