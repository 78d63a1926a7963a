// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/source"
)

// sourceArg takes the name of a source, or none.
func sourceArg(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one source; call it again for the next", cmd.CommandPath())
	}
	return nil
}

// source returns the source that the arguments mean.
func (e *env) source(ctx context.Context, args []string) (*cluster.Client, *v1alpha1.LivepeerTaskSource, error) {
	c, err := e.client(false)
	if err != nil {
		return nil, nil, err
	}
	sources, err := c.Sources(ctx)
	if err != nil {
		return nil, nil, err
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	chosen, err := source.Choose(name, c.Namespace, sources)
	return c, chosen, err
}

func newSuspend(e *env) *cobra.Command {
	return newSuspension(e, "suspend", "suspended", true, "Let a source ask nothing of Studio any more; its tasks stay as they are")
}

func newResume(e *env) *cobra.Command {
	return newSuspension(e, "resume", "resumed", false, "Let a suspended source go on")
}

func newSuspension(e *env, verb, done string, suspend bool, short string) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:               verb + " [source]",
		Short:             short,
		Args:              sourceArg,
		ValidArgsFunction: e.completeSources,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, sources, err := e.chosen(cmd.Context(), args, all)
			if err != nil {
				return err
			}
			var errs []error
			for i := range sources {
				s := &sources[i]
				if s.Spec.Suspend == suspend {
					e.print(fmt.Sprintf("source %s was %s already", s.Name, done))
					continue
				}
				if err := c.Suspend(cmd.Context(), s, suspend); err != nil {
					errs = append(errs, fmt.Errorf("source %s: %w", s.Name, err))
					continue
				}
				e.print(fmt.Sprintf("source %s %s", s.Name, done))
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all sources of the namespace")
	return cmd
}

// chosen are the sources that the arguments mean: one, or all of the namespace.
func (e *env) chosen(ctx context.Context, args []string, all bool) (*cluster.Client, []v1alpha1.LivepeerTaskSource, error) {
	if !all {
		c, s, err := e.source(ctx, args)
		if err != nil {
			return nil, nil, err
		}
		return c, []v1alpha1.LivepeerTaskSource{*s}, nil
	}
	if len(args) > 0 {
		return nil, nil, errors.New("--all means every source of the namespace; leave out the name, or --all")
	}
	c, err := e.client(false)
	if err != nil {
		return nil, nil, err
	}
	sources, err := c.Sources(ctx)
	if err == nil && len(sources) == 0 {
		_, err = source.Choose("", c.Namespace, nil)
	}
	return c, sources, err
}
