// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

const (
	// unreadableBatch bounds the unreadable tasks that are looked at again after one poll.
	unreadableBatch = 50
	// maxUnreadable bounds those that are known by ID. More are counted.
	maxUnreadable = 1000
	// unreadableNamed bounds how many of them a condition names.
	unreadableNamed = 3
	// unnamedShare is how much longer than a full sync takes the pause before the next one is, while there are unreadable tasks
	// whose IDs are not known: only a full sync tells whether they are well again.
	unnamedShare = 10
)

// unreadables are the tasks of a source that the API can't read.
type unreadables struct {
	// named are known by ID, and looked at again after each poll. unnamed counts the others.
	named   map[string]struct{}
	unnamed int
	next    string // the first that is to be looked at
}

func (u *unreadables) count() int { return len(u.named) + u.unnamed }

// add takes in tasks that the API can't read.
func (u *unreadables) add(ids ...string) {
	if u.named == nil {
		u.named = map[string]struct{}{}
	}
	for _, id := range ids {
		if len(u.named) < maxUnreadable {
			u.named[id] = struct{}{}
		}
	}
}

// some are those to look at now.
func (u *unreadables) some() []string {
	ids := slices.Sorted(maps.Keys(u.named))
	at, _ := slices.BinarySearch(ids, u.next)
	ids = append(ids[at:len(ids):len(ids)], ids[:at]...)
	u.next = ""
	if len(ids) > unreadableBatch {
		ids, u.next = ids[:unreadableBatch], ids[unreadableBatch]
	}
	return ids
}

// trouble is that of a source whose API can't read some tasks, nil where it can read all.
func (u *unreadables) trouble() *condition.Error {
	n := u.count()
	if n == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(u.named))
	which := strings.Join(ids[:min(len(ids), unreadableNamed)], ", ")
	switch {
	case which != "" && n > min(len(ids), unreadableNamed):
		which = " (" + which + " and others)"
	case which != "":
		which = " (" + which + ")"
	}
	return &condition.Error{
		Reason: v1alpha1.ReasonUnreadable, Stalled: true,
		Message: fmt.Sprintf("Studio answers an internal error (500) wherever it is asked for %s%s. What is mirrored of them stays "+
			"as it is, and all others are followed. Only Studio can repair them: ask Livepeer's support", tasks(n), which),
	}
}

// locate finds the IDs of what a listing left out because the API can't read it.
func (s *syncer) locate(ctx context.Context, pass *studio.Pass, known map[string]struct{}) (ids []string, err error) {
	for _, run := range pass.Runs() {
		some, err := s.connection.Client.Locate(ctx, &run, slices.Sorted(maps.Keys(known)))
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	return ids, nil
}

// unreadableInPoll takes in what a poll left out. What it can't name may be known already.
func (s *syncer) unreadableInPoll(ctx context.Context, pass *studio.Pass) error {
	ids, err := s.locate(ctx, pass, s.state.unreadable.named)
	if err != nil {
		return err
	}
	u := &s.state.unreadable
	u.add(ids...)
	u.unnamed = max(u.unnamed, pass.Unreadable()-len(ids))
	return nil
}

// unreadableInAll takes in what a listing of all tasks left out, and what it lacked and can't be read by ID either: that is
// missing from the list for the same reason.
func (s *syncer) unreadableInAll(ctx context.Context) error {
	full, u := s.state.full, &s.state.unreadable
	lacked := unreadables{}
	for id, given := range full.unanswered {
		if given {
			lacked.add(id)
			u.add(id)
		}
	}
	ids, err := s.locate(ctx, full.pass, u.named)
	if err != nil {
		return err
	}
	lacked.add(ids...)
	u.add(ids...)
	u.unnamed = max(0, full.pass.Unreadable()-len(lacked.named))
	return nil
}

// unreadableStep looks by ID at tasks that the API could not read, to see whether it can again. It follows each poll.
func (s *syncer) unreadableStep(ctx context.Context) error {
	u := &s.state.unreadable
	answers, err := s.askAll(ctx, plan.Unread, u.some())
	for id, answer := range answers {
		switch answer.verdict {
		case plan.Write:
			s.state.pending = append(s.state.pending, answer.observation)
			delete(u.named, id)
		case plan.LeaveOut:
			delete(u.named, id)
		}
	}
	if err != nil {
		return err
	}
	return s.flush(ctx)
}

// listSoon brings the next full sync forward where only that tells whether tasks can be read again.
func (s *syncer) listSoon(began, now time.Time) {
	if s.state.unreadable.unnamed == 0 {
		return
	}
	pause := max(unnamedShare*now.Sub(began), s.source.Spec.Interval.Duration)
	if next := now.Add(pause); next.Before(s.state.nextFull) {
		s.state.nextFull = next
	}
}
