// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/route"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

func newWebhook(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "webhook [source]",
		Short:             "Say which webhook to register in Studio, so that changes show at once",
		Args:              sourceArg,
		ValidArgsFunction: e.completeSources,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := e.source(cmd.Context(), args)
			if err != nil {
				return err
			}
			if s.Status.Receiver == nil {
				return notReceived(s)
			}
			found, err := urls(cmd.Context(), c, s.Status.Receiver.Path)
			for _, line := range webhookLines(s, found, err) {
				e.print(line)
			}
			return nil
		},
	}
}

// notReceived says why there is no path, and what to do.
func notReceived(s *v1alpha1.LivepeerTaskSource) error {
	if s.Spec.Suspend {
		return fmt.Errorf("source %s is suspended and receives no webhooks; kubectl livepeer resume %s lets it go on", s.Name, s.Name)
	}
	if c := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReceiving); c != nil {
		return fmt.Errorf("source %s receives no webhooks, %s: %s", s.Name, c.Reason, c.Message)
	}
	return fmt.Errorf("source %s receives no webhooks; put a webhookSecret of 16 random characters or more into its Secret %s, or, where "+
		"it has one, turn the operator's receiver on with --receiver-bind-address (docs/push.md)", s.Name, s.Spec.SecretRef.Name)
}

// urls finds the whole URLs that lead to a path.
func urls(ctx context.Context, c *cluster.Client, path string) ([]route.Found, error) {
	services, err := c.ReceiverServices(ctx)
	if err != nil {
		return nil, err
	}
	ingresses, err := c.Ingresses(ctx)
	if err != nil {
		return nil, err
	}
	routes, err := c.HTTPRoutes(ctx)
	return append(route.OfIngresses(ingresses, services, path), route.OfHTTPRoutes(routes, services, path)...), err
}

// webhookLines say what to register. Where the routes can't be looked at, the path is known all the same.
func webhookLines(s *v1alpha1.LivepeerTaskSource, found []route.Found, err error) []string {
	lines := []string{fmt.Sprintf("Register this webhook in Studio, for source %s:", s.Name)}
	for _, f := range found {
		lines = append(lines, fmt.Sprintf("  %-14s %s  (%s)", "URL", term.Clean(f.URL), f.By))
	}
	if len(found) == 0 {
		lines = append(lines, fmt.Sprintf("  %-14s https://<your host>%s", "URL", term.Clean(s.Status.Receiver.Path)))
	}
	lines = append(lines,
		fmt.Sprintf("  %-14s task.spawned, task.updated, task.completed, task.failed", "Events"),
		fmt.Sprintf("  %-14s what the Secret %s has as webhookSecret", "Shared secret", s.Spec.SecretRef.Name),
		fmt.Sprintf("  %-14s kubectl -n %s get secret %s -o go-template='{{.data.webhookSecret|base64decode}}'",
			"", s.Namespace, s.Spec.SecretRef.Name),
	)
	switch {
	case err != nil:
		lines = append(lines, "", "Whether an Ingress or HTTPRoute leads there can't be told: "+term.Clean(err.Error()))
	case len(found) == 0:
		lines = append(lines, "", "No Ingress or HTTPRoute leads there yet; docs/push.md says how to expose it.")
	}
	return lines
}
