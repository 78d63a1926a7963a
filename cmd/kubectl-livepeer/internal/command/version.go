// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func newVersion(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this plugin, and of the API that it knows",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			e.print(fmt.Sprintf("kubectl-livepeer %s, for %s", e.version, v1alpha1.GroupVersion))
			return nil
		},
	}
}
