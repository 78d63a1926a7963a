// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/task"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// found is what was found for an argument: the task that it means, and those it was chosen from.
type found struct {
	task *v1alpha1.LivepeerTask
	all  []v1alpha1.LivepeerTask
}

func newShow(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "show <task|asset>",
		Short:             "Show what a task was asked to do, how far it is, and what came of it; of an asset, its newest task",
		Args:              oneArg("the name or ID of a task or of an asset"),
		ValidArgsFunction: e.completeTasks,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client(false)
			if err != nil {
				return err
			}
			f, err := must(cmd.Context(), c, taskArg(args[0]))
			if err != nil {
				return err
			}
			e.tellSources(cmd.Context(), c, f.task.Labels[v1alpha1.LabelSource]) // what is shown may be old
			e.print(describe(f.task, c.Now())...)
			return nil
		},
	}
}

// describe is what show prints: lines that are as long as what they say, since URLs are there to be copied.
func describe(t *v1alpha1.LivepeerTask, now time.Time) []string {
	var lines []string
	for _, section := range task.Describe(t, now, term.Duration) {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, term.Clean(section.Heading))
		for _, field := range section.Fields {
			lines = append(lines, fmt.Sprintf("  %-17s %s", field.Label, term.Clean(field.Value)))
		}
	}
	return lines
}

// What stands where the operator masked a credential, and the user info of a URL.
const mask, maskedUser = "[redacted]", "://***:***@"

func newURL(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "url <task|asset>",
		Short: "Print the URL that came of a task: where it plays, else where it was exported or stored",
		Long: "Print the URL that came of a task, alone: where it plays, else where it was exported or stored.\n\n" +
			"Of an asset, the URL of the task that made it comes first, then that of its newest export.",
		Example:           "  mpv \"$(kubectl livepeer url 00d924f8-1597-4a4c-aa50-a15b57c96487)\"",
		Args:              oneArg("the name or ID of a task or of an asset"),
		ValidArgsFunction: e.completeTasks,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client(false)
			if err != nil {
				return err
			}
			arg := taskArg(args[0])
			f, err := must(cmd.Context(), c, arg)
			if err != nil {
				return err
			}
			url, of := task.URLOf(arg, f.all)
			if url == "" {
				url, of = task.URL(f.task), f.task
			}
			if url == "" {
				return noURL(f.task)
			}
			e.print(term.Clean(url))
			if policy := task.Restricted(of, url); policy != "" {
				fmt.Fprintln(e.ErrOut, term.Clean("Not everybody may play this. Its playback policy is "+policy))
			}
			if strings.Contains(url, mask) || strings.Contains(url, maskedUser) {
				fmt.Fprintln(e.ErrOut, "A part of this URL is masked, so that it may not open; Studio has the whole of it.")
			}
			return nil
		},
	}
}

// noURL says why a task has no URL, and where to go on.
func noURL(t *v1alpha1.LivepeerTask) error {
	outcome, asset := task.OutcomeOf(t), task.OutputAsset(t)
	now := outcome.Message + outcome.Trouble
	switch {
	case t.Succeeded() && asset != "":
		return fmt.Errorf("no URL: %s, but Studio names none in the task; look there for its asset %s", now, asset)
	case t.IsFinished():
		return fmt.Errorf("no URL: %s; kubectl livepeer show %s says what there is of it", now, t.Name)
	}
	return fmt.Errorf("no URL yet: %s; kubectl livepeer wait %s waits for it", now, t.Name)
}

// oneArg wants one argument, and says what it is. An empty one is a variable of a script that was not set.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || taskArg(args[0]) == "" {
			return fmt.Errorf("%s needs one argument: %s", cmd.CommandPath(), what)
		}
		return nil
	}
}
