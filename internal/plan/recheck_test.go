// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// TestRecheckCellByCell: of each answer, what follows by why it was asked for.
func TestRecheckCellByCell(t *testing.T) {
	reasons := []plan.Why{plan.ExternalChange, plan.Pushed, plan.Stalled, plan.Unread, plan.Missing}
	answers := map[plan.Answer][]plan.Verdict{
		plan.Found:      {plan.Write, plan.Write, plan.Write, plan.Write, plan.Write},
		plan.Behind:     {plan.AskAgain, plan.WriteAndAskAgain, plan.Write, plan.Write, plan.Write},
		plan.Deleted:    {plan.Gone, plan.Nothing, plan.LeaveOut, plan.Gone, plan.Gone},
		plan.NotFound:   {plan.Gone, plan.AskAgain, plan.LeaveOut, plan.Gone, plan.Gone},
		plan.NotShown:   {plan.FullSync, plan.Poll, plan.LeaveOut, plan.LeaveOut, plan.Nothing},
		plan.NoTask:     {plan.Nothing, plan.Nothing, plan.LeaveOut, plan.LeaveOut, plan.Nothing},
		plan.Elsewhere:  {plan.Nothing, plan.Nothing, plan.LeaveOut, plan.LeaveOut, plan.Gone},
		plan.Unplaced:   {plan.Nothing, plan.Poll, plan.LeaveOut, plan.LeaveOut, plan.Nothing},
		plan.Unreadable: {plan.FullSync, plan.Poll, plan.LeaveOut, plan.Nothing, plan.AskLater},
		plan.Limited:    {plan.FullSync, plan.Poll, plan.Fail, plan.Fail, plan.Fail},
		plan.Failed:     {plan.FullSync, plan.Poll, plan.LeaveOut, plan.Nothing, plan.Fail},
	}
	for answer, want := range answers {
		for i, why := range reasons {
			if got := plan.Recheck(why, answer); got != want[i] {
				t.Errorf("reason %d, answer %d: %d, want %d", why, answer, got, want[i])
			}
		}
	}
	if len(reasons) != int(plan.Missing)+1 || len(answers) != int(plan.Failed)+1 { // the last of each
		t.Error("there are reasons or answers that are not tried here")
	}
}
