// SPDX-License-Identifier: Apache-2.0

package plan

// Why a single task is asked for by ID.
type Why int

// The reasons, the most urgent first: for the first a person waits, for the second a program, for the others nobody.
const (
	// ExternalChange: somebody else changed or deleted the stored task.
	ExternalChange Why = iota
	// Pushed: a webhook of Studio said that the task has changed.
	Pushed
	// Stalled: by what is stored, Studio has not updated the task for so long that it counts as stalled.
	Stalled
	// Unread: Studio could not read the task when it was last asked for it.
	Unread
	// Missing: the task is stored, and a complete listing lacked it.
	Missing
)

// Answer is what Studio answered about the task.
type Answer int

// The answers.
const (
	// Found: the task, not older than the webhook that asked for it, or than what somebody else changed.
	Found Answer = iota
	// Behind: the task as it was before the change that the webhook told of, or that is stored: the database replica that answered lags.
	Behind
	// Deleted: the task, marked as deleted.
	Deleted
	// NotFound: there is no such task (any more).
	NotFound
	// NotShown: the key may not see it, as if it is another user's. That does not tell whether it exists.
	NotShown
	// NoTask: something that is no task, or another one.
	NoTask
	// Elsewhere: the task, of another project than all listed tasks: by ID, Studio shows a user's tasks whatever the project of
	// the key.
	Elsewhere
	// Unplaced: a pushed task that is not stored, of a project that no listed task has: it may be the key's project or not.
	Unplaced
	// Unreadable: an internal error of Studio for this task, as when its row can't be read.
	Unreadable
	// Limited: Studio says that it is asked too often (429).
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
	// AskAgain a few times and soon; after that, it is left to a poll, or to a full sync that comes soon.
	AskAgain
	// Gone: the stored object, if there is one, may be deleted, by a full sync.
	Gone
	// Poll leaves the task to a poll: at once, or when Studio may be asked again.
	Poll
	// FullSync leaves the task to a full sync, likewise.
	FullSync
	// LeaveOut: it is not asked for again before the next full sync.
	LeaveOut
	// AskLater once more, after all others.
	AskLater
	// Fail: the step that asked fails with the error, and asks for the task again later.
	Fail
)

// Recheck is the whole policy: what follows from an answer, for each reason to ask.
func Recheck(why Why, answer Answer) Verdict {
	return [...][11]Verdict{
		//               Found  Behind            Deleted   NotFound  NotShown  NoTask    Elsewhere Unplaced Unreadable Limited  Failed
		ExternalChange: {Write, AskAgain, Gone, Gone, FullSync, Nothing, Nothing, Nothing, FullSync, FullSync, FullSync},
		Pushed:         {Write, WriteAndAskAgain, Nothing, AskAgain, Poll, Nothing, Nothing, Poll, Poll, Poll, Poll},
		Stalled:        {Write, Write, LeaveOut, LeaveOut, LeaveOut, LeaveOut, LeaveOut, LeaveOut, LeaveOut, Fail, LeaveOut},
		Unread:         {Write, Write, Gone, Gone, LeaveOut, LeaveOut, LeaveOut, LeaveOut, Nothing, Fail, Nothing},
		Missing:        {Write, Write, Gone, Gone, Nothing, Nothing, Gone, Nothing, AskLater, Fail, Fail},
	}[why][answer]
}
