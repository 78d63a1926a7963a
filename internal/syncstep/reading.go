// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"context"
	"errors"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// maxAhead bounds how much of an answer is read ahead of the writers, in bytes of JSON. The rest is requested again.
const maxAhead = 4 << 20

// pollFreely is how much a poll may read without room, in bytes of JSON, so that it waits for nobody's first sync.
const pollFreely = 32 << 10

// reading is one answer to a listing request while it is read.
type reading struct {
	*syncer

	pass    *studio.Pass
	began   time.Time
	hurried time.Time // since when reading does not wait for writers; zero while it does
	ahead   int       // bytes that were read since
	free    int       // up to this size, what is held needs no room
	omitted int
	failed  error
}

// read makes one listing request, and writes what differs from the mirror while it reads on. What it had no time to write stays
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

// next takes one task. It returns false if the rest of the answer should be requested again.
func (r *reading) next(ctx context.Context, task *studio.Task) bool {
	if len(r.State.pending) >= batchSize && !r.hurries() {
		// While writers are busy, reading waits, unless it has to hurry.
		r.failed = r.startBefore(ctx, r.Clock.After(r.until().Sub(r.now())))
	}
	if r.failed != nil || r.tooMuch() {
		return false
	}
	before := len(r.State.pending)
	r.omitted += r.take(r.pass, task)
	if len(r.State.pending) > before && !r.hurried.IsZero() {
		r.ahead += len(task.Raw)
	}
	return true
}

// hurries reports whether to read the answer to its end now, and write it afterwards.
func (r *reading) hurries() bool {
	if now := r.now(); r.hurried.IsZero() && !now.Before(r.until()) {
		r.hurried = now
	}
	return !r.hurried.IsZero()
}

// until returns when reading begins to hurry: before the request times out, and in a full sync, when a poll is due.
func (r *reading) until() time.Time {
	limit := r.Source.Spec.Timeout.Duration / 3
	if r.State.poll != nil {
		return r.began.Add(limit)
	}
	return r.orPoll(r.began.Add(min(limit, r.Source.Spec.Interval.Duration)))
}

// orPoll returns the time of the next poll or then, whichever comes first.
func (s *syncer) orPoll(then time.Time) time.Time {
	if next := s.State.Schedule.NextPoll; s.State.Watermark.Newest() != 0 && next.Before(then) {
		return next
	}
	return then
}

// tooMuch reports whether reading the rest of the answer would take too much memory, or too long, as over a slow connection.
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
