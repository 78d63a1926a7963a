// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/source"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

func newConfirmDeletion(e *env) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "confirm-deletion [source]",
		Short: "Let a deletion go on that was paused since so many tasks are missing from Studio at once",
		Long: "Let a deletion go on that was paused since so many tasks are missing from Studio at once (reason PruningPaused).\n\n" +
			"Nothing in Studio changes. The confirmation holds for exactly the tasks that are missing now.",
		Args:              sourceArg,
		ValidArgsFunction: e.completeSources,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := e.source(cmd.Context(), args)
			if err != nil {
				return err
			}
			token, err := source.Token(s)
			if err != nil {
				return err
			}
			ready := source.Ready(s)
			e.print(term.Clean(ready.Message))
			if !yes {
				if err := e.ask(cmd.Context(), "Delete them from this cluster? [y/N] "); err != nil {
					return err
				}
			}
			if err := c.Annotate(cmd.Context(), s, v1alpha1.AnnotationConfirmPrune, token); err != nil {
				return err
			}
			e.print(fmt.Sprintf("source %s: confirmed; each task is asked for once more before it goes", s.Name))
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// ask puts a question to whoever sits before the terminal. Anything but yes is an error, and so is Ctrl-C, which does not end a read.
func (e *env) ask(ctx context.Context, question string) error {
	if !term.IsTerminal(e.In) {
		return errors.New("this is no terminal to ask at; check the message, and add --yes")
	}
	fmt.Fprint(e.Out, question)
	answered := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(e.In).ReadString('\n') // what ends without an answer says no
		answered <- answer
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(e.Out)
		return ctx.Err()
	case answer := <-answered:
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return nil
		}
		return errors.New("nothing was confirmed; the tasks are kept")
	}
}
