// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

const (
	// unreadableBatch bounds the unreadable tasks that are asked for again after one poll.
	unreadableBatch = 50
	// maxUnreadable bounds those that are known by ID. Others are only counted.
	maxUnreadable = 1000
	// unreadableNamed bounds how many of them a condition names.
	unreadableNamed = 3
)

// Unreadable are the tasks of a source that the API can't read.
type Unreadable struct {
	// named are known by ID, and asked for again after each poll. unnamed counts the others.
	named   map[string]struct{}
	unnamed int
	next    string // the first to be asked for next time
}

// Count returns how many there are.
func (u *Unreadable) Count() int { return len(u.named) + u.unnamed }

// Add takes in tasks that the API can't read.
func (u *Unreadable) Add(ids ...string) {
	if u.named == nil {
		u.named = map[string]struct{}{}
	}
	for _, id := range ids {
		if len(u.named) < maxUnreadable {
			u.named[id] = struct{}{}
		}
	}
}

// Some returns the IDs to ask for now.
func (u *Unreadable) Some() []string {
	ids := slices.Sorted(maps.Keys(u.named))
	at, _ := slices.BinarySearch(ids, u.next)
	ids = append(ids[at:len(ids):len(ids)], ids[:at]...)
	u.next = ""
	if len(ids) > unreadableBatch {
		ids, u.next = ids[:unreadableBatch], ids[unreadableBatch]
	}
	return ids
}

// problem reports that the API can't read some tasks; nil if it can read all.
func (u *Unreadable) problem() *condition.Error {
	n := u.Count()
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

// Known returns the IDs that are known, sorted.
func (u *Unreadable) Known() []string { return slices.Sorted(maps.Keys(u.named)) }

// Readable takes in a task that the API can read again, or that is gone.
func (u *Unreadable) Readable(id string) { delete(u.named, id) }

// Polled takes in the rows that a poll left out, and which of them are known by ID. The others may have been counted before.
func (u *Unreadable) Polled(ids []string, rows int) {
	u.Add(ids...)
	u.unnamed = max(u.unnamed, rows-len(ids))
}

// Listed takes in the rows that a full sync left out, and which of them are known by ID.
func (u *Unreadable) Listed(ids []string, rows int) {
	u.Add(ids...)
	distinct := slices.Compact(slices.Sorted(slices.Values(ids)))
	u.unnamed = max(0, rows-min(len(distinct), maxUnreadable))
}
