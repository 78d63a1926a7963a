// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/doctor"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/source"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/task"
)

func newSync(e *env) *cobra.Command {
	noWait, timeout := false, time.Duration(0)
	cmd := &cobra.Command{
		Use:   "sync [source]",
		Short: "Ask for a full sync now, and wait until it was carried through",
		Long: "Ask for a full sync now, and wait until it was carried through.\n\n" +
			"Exit codes: 0 synced (with --no-wait: asked for), 1 an error, 2 not carried through within --timeout.",
		Args:              sourceArg,
		ValidArgsFunction: e.completeSources,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notNegative(timeout); err != nil {
				return err
			}
			c, s, err := e.source(cmd.Context(), args)
			if err != nil {
				return err
			}
			began, before := time.Now(), s.Annotations[v1alpha1.AnnotationRequestedAt]
			request := began.UTC().Format(time.RFC3339Nano)
			if _, err := source.Synced(s, before, request); err != nil {
				return err
			}
			if err := c.Annotate(cmd.Context(), s, v1alpha1.AnnotationRequestedAt, request); err != nil {
				return err
			}
			if noWait {
				e.print(fmt.Sprintf("source %s: a sync is asked for", s.Name))
				return nil
			}
			ctx, cancel := deadline(cmd.Context(), timeout)
			defer cancel()
			synced, err := e.untilSynced(ctx, c, s, before, request)
			if err != nil {
				return err
			}
			e.print(fmt.Sprintf("source %s: synced in %s, %d tasks mirrored", s.Name,
				time.Since(began).Round(100*time.Millisecond), synced.Status.Tasks.Total))
			return nil
		},
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "only ask for it")
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "how long to wait; 0 waits for ever")
	return cmd
}

func (e *env) untilSynced(
	ctx context.Context, c *cluster.Client, s *v1alpha1.LivepeerTaskSource, before, request string,
) (*v1alpha1.LivepeerTaskSource, error) {
	watch, told := c.WatchSource(ctx, s.Name, e.tellBroken()), ""
	for {
		select {
		case <-ctx.Done():
			ready := source.Ready(s)
			return nil, &exitError{task.ExitTimeout, fmt.Errorf("source %s has not synced in time; it says %s: %s; "+
				"kubectl livepeer doctor says whether the operator runs", s.Name, ready.Reason, strings.TrimSuffix(ready.Message, "."))}
		case <-watch.Changed:
		}
		items, synced := watch.Items()
		if !synced {
			continue
		}
		if len(items) == 0 {
			return nil, fmt.Errorf("source %s was deleted meanwhile", s.Name)
		}
		s = &items[0]
		if done, err := source.Synced(s, before, request); done || err != nil {
			return s, err
		}
		if check := doctor.Ready(s); check.Level == doctor.Fail && check.Finding != told { // it may take until the time-out
			told = check.Finding
			e.tell(check)
		}
	}
}
