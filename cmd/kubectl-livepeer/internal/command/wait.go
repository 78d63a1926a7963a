// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/task"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

func newWait(e *env) *cobra.Command {
	timeout := time.Duration(0)
	cmd := &cobra.Command{
		Use:   "wait <task|asset>",
		Short: "Wait until a task has ended, well or not; of an asset, its newest task",
		Long: "Wait until a task has ended, well or not. Of an asset, the newest task is awaited that it goes into or comes out of. " +
			"What is not there yet is waited for as well.\n\n" +
			"Exit codes: 0 the task completed; 1 it failed, was cancelled or is gone, and stderr says why; 2 it had not ended within " +
			"--timeout.\n\n" +
			"A task that failed can be retried in Studio. That is a fresh wait: call this again once it is under way, since it ends at " +
			"once for a task that has failed.",
		Example:           "  kubectl livepeer wait 09f8b46c-61a0-4254-9875-f71f4c605bc7 --timeout 10m && publish",
		Args:              oneArg("the name or ID of a task or of an asset"),
		ValidArgsFunction: e.completeTasks,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notNegative(timeout); err != nil {
				return err
			}
			c, err := e.client(false)
			if err != nil {
				return err
			}
			ctx, cancel := deadline(cmd.Context(), timeout)
			defer cancel()
			return e.wait(ctx, c, taskArg(args[0]), timeout)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 30*time.Minute, "how long to wait; 0 waits for ever")
	return cmd
}

// wait ends when the task has ended, or with the error that the exit code is made of.
func (e *env) wait(ctx context.Context, c *cluster.Client, arg string, timeout time.Duration) error {
	// What can't work, for want of rights for instance, is told at once, and not waited for.
	f, err := find(ctx, c, arg)
	if err != nil {
		return late(ctx, err, arg, nil, timeout)
	}
	awaited, selectors := f.task, task.Selectors(arg)
	if awaited == nil {
		fmt.Fprintf(e.ErrOut, "No task or asset %q in the namespace %s yet; waiting for it ...\n", term.Clean(arg), c.Namespace)
		e.tellSources(ctx, c, "")
		if !task.IsID(arg) {
			selectors = []string{""}
		}
	} else {
		if done, err := e.ended(awaited); done {
			return err
		}
		e.tellSources(ctx, c, awaited.Labels[v1alpha1.LabelSource])
		selectors = []string{"metadata.name=" + awaited.Name}
	}
	watch := c.WatchTasks(ctx, selectors, "", task.Slim, e.tellBroken())
	var gone <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return late(ctx, ctx.Err(), arg, awaited, timeout)
		case <-gone:
			return fmt.Errorf("%s is gone: it was deleted in Studio, left out by the source's history, or its source was deleted",
				task.Title(awaited))
		case <-watch.Changed:
		}
		tasks, synced := watch.Items()
		if !synced {
			continue
		}
		if awaited == nil {
			if awaited, err = task.ChooseAmong(arg, tasks); err != nil {
				return err
			} else if awaited == nil {
				continue
			}
		}
		now := withID(tasks, awaited.Spec.ID)
		if now == nil {
			if gone == nil {
				gone = time.After(comesBack)
			}
			continue
		}
		if done, err := e.ended(now); done {
			return err
		}
		awaited, gone = now, nil
	}
}

// comesBack is how long a task may be missing: the operator puts back what somebody deleted in the cluster.
const comesBack = 5 * time.Second

// ended tells how a task ended, if it did: well on stdout, else in an error.
func (e *env) ended(t *v1alpha1.LivepeerTask) (bool, error) {
	outcome := task.OutcomeOf(t)
	switch {
	case !outcome.Ended:
		return false, nil
	case outcome.Code != task.ExitCompleted:
		return true, &exitError{outcome.Code, errors.New(outcome.Message)}
	}
	e.print(term.Clean(outcome.Message))
	return true, nil
}

// late is the error of a command whose time is over, or err where it is not.
func late(ctx context.Context, err error, arg string, awaited *v1alpha1.LivepeerTask, timeout time.Duration) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	if awaited == nil {
		return &exitError{task.ExitTimeout, fmt.Errorf("no task or asset %q within %s; kubectl livepeer doctor says whether tasks arrive",
			arg, timeout)}
	}
	now := task.OutcomeOf(awaited)
	return &exitError{task.ExitTimeout, fmt.Errorf("%s after %s%s; wait again, or longer with --timeout",
		now.Message, timeout, now.Trouble)}
}

func withID(tasks []v1alpha1.LivepeerTask, id string) *v1alpha1.LivepeerTask {
	for i := range tasks {
		if tasks[i].Spec.ID == id {
			return &tasks[i]
		}
	}
	return nil
}

// tellBroken says, once for each reason, why a watch broke. It goes on by itself.
func (e *env) tellBroken() func(error) {
	var mu sync.Mutex
	last := ""
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if text := term.Clean(err.Error()); text != last {
			last = text
			fmt.Fprintf(e.ErrOut, "The watch broke, and is tried again: %s\n", text)
		}
	}
}
