// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/doctor"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/source"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// tellSources says on stderr why what is waited for may not come: the source of this name, or any of the namespace where it is "", does
// not mirror as it should, or there is none. Who may not look at sources is told nothing.
func (e *env) tellSources(ctx context.Context, c *cluster.Client, name string) {
	sources, err := c.Sources(ctx)
	if err != nil {
		return
	}
	if name != "" {
		s, err := source.Choose(name, c.Namespace, sources)
		if err != nil {
			e.tell(doctor.Check{Level: doctor.Warn, What: "sources", Finding: err.Error()})
			return
		}
		sources = []v1alpha1.LivepeerTaskSource{*s}
	} else if len(sources) == 0 {
		e.tell(doctor.NoSource(c.Namespace))
	}
	for i := range sources {
		e.tell(doctor.Ready(&sources[i]))
	}
}

// tell says what a check found on stderr, unless all is well.
func (e *env) tell(check doctor.Check) {
	if check.Level != doctor.OK {
		fmt.Fprintln(e.ErrOut, term.Clean(check.String()))
	}
}

// noArgs refuses arguments, and says how to choose instead.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no argument, and got %q; %s --help shows its flags", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}
