// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/task"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

const (
	// completionTimeout is for how long somebody who pressed Tab waits.
	completionTimeout = 3 * time.Second
	// completed bounds how many names are offered: a shell asks before it shows more.
	completed = 200
)

type completion = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

func completes(cmd *cobra.Command, flag string, complete completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // there is no such flag
	}
}

// completeTasks offers names of tasks, with what they are.
func (e *env) completeTasks(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := e.client(false)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	tasks, err := c.Tasks(ctx, []string{""}, "")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	task.SortForList(tasks)
	var names []string
	for i := range tasks {
		if t := &tasks[i]; strings.HasPrefix(t.Name, strings.ToLower(typed)) && len(names) < completed {
			names = append(names, t.Name+"\t"+term.Clean(t.Spec.Type+" "+task.Phase(t)+" "+task.Name(t)))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeSources offers names of sources.
func (e *env) completeSources(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := e.client(false)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	sources, err := c.Sources(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for i := range sources {
		if strings.HasPrefix(sources[i].Name, typed) {
			names = append(names, sources[i].Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
