// SPDX-License-Identifier: Apache-2.0

package plan

// Why a single task is asked for by ID.
type Why int

// The reasons, the most urgent first: who waits for it is a person, then another program, then nobody.
const (
	// ExternalChange: somebody else changed or deleted the stored task.
	ExternalChange Why = iota
	// Pushed: Studio said in a webhook that it has changed.
	Pushed
	// Stalled: Studio has not updated it for so long that it counts as stalled, unless Studio says otherwise.
	Stalled
	// Unread: Studio could not read it when it was last asked for.
	Unread
	// Missing: it is stored, and a complete listing lacked it.
	Missing
)

// Answer is what came of asking for it.
type Answer int

// The answers.
const (
	// Found: the task, as new as was known, or newer.
	Found Answer = iota
	// Behind: the task as it was before what was pushed: the database that answers lags.
	Behind
	// Deleted: the task, marked as deleted.
	Deleted
	// NotFound: there is no such task (any more).
	NotFound
	// NotShown: it may not be shown, as where it is another user's. That says nothing of whether it exists.
	NotShown
	// NoTask: something that is no task, or another one.
	NoTask
	// Elsewhere: the task, which says that it is another project's than all that are listed: Studio shows a user's tasks by ID
	// whatever the project of the key.
	Elsewhere
	// Unplaced: a pushed task, which is not stored, of a project of which nothing that is listed tells whether it is the key's.
	Unplaced
	// Unreadable: an error of Studio's own for this task, as where its row can't be read.
	Unreadable
	// Limited: Studio wants to be left alone.
	Limited
	// Failed: anything else: no answer, a refused key, an outage.
	Failed
)

// Verdict is what is to be done.
type Verdict int

// The verdicts.
const (
	// Nothing follows.
	Nothing Verdict = iota
	// Write what differs from what is stored.
	Write
	// WriteAndAskAgain also asks once more, a few times and soon.
	WriteAndAskAgain
	// AskAgain a few times and soon.
	AskAgain
	// Gone: what is stored may be deleted.
	Gone
	// Poll leaves it to a poll, at once, or when Studio may be asked again.
	Poll
	// FullSync leaves it to a full sync, likewise.
	FullSync
	// LeaveOut: it is not asked for again before the next full sync.
	LeaveOut
	// AskLater: after all others, and no third time.
	AskLater
	// Fail ends what asked for it with the error, and keeps it to be asked for again.
	Fail
)

// Recheck is the whole policy: what an answer means, by why the task was asked for.
func Recheck(why Why, answer Answer) Verdict {
	return [...][11]Verdict{
		//               Found  Behind            Deleted   NotFound  NotShown  NoTask    Elsewhere Unplaced Unreadable Limited  Failed
		ExternalChange: {Write, Write, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, FullSync, FullSync, FullSync},
		Pushed:         {Write, WriteAndAskAgain, Nothing, AskAgain, Poll, Nothing, Nothing, Poll, Poll, Poll, Poll},
		Stalled:        {Write, Write, LeaveOut, LeaveOut, LeaveOut, LeaveOut, LeaveOut, LeaveOut, LeaveOut, Fail, LeaveOut},
		Unread:         {Write, Write, LeaveOut, LeaveOut, LeaveOut, LeaveOut, LeaveOut, LeaveOut, Nothing, Fail, Nothing},
		Missing:        {Write, Write, Gone, Gone, Nothing, Nothing, Gone, Nothing, AskLater, Fail, Fail},
	}[why][answer]
}
