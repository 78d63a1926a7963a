// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/doctor"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

func newDoctor(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check the installation and the sources of the namespace: a line for each check, with the next step",
		Long: "Check the installation and the sources of the namespace: a line for each check, with the next step. It asks nobody but " +
			"the cluster, and changes nothing.\n\nExit codes: 0 no check failed, 1 one did.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client(false)
			if err != nil {
				return err
			}
			checks, err := examine(cmd.Context(), c)
			for _, check := range checks {
				e.print(term.Clean(check.String()))
			}
			if err != nil {
				return err
			}
			if doctor.Failed(checks) {
				return &exitError{1, errSilent}
			}
			return nil
		},
	}
}

// errSilent ends a command that has said everything.
var errSilent = silent{}

type silent struct{}

func (silent) Error() string { return "" }

// examine finds the facts of each check. An error is one that leaves nothing more to be found.
func examine(ctx context.Context, c *cluster.Client) ([]doctor.Check, error) {
	body, err := c.OpenAPI(ctx)
	there := !apierrors.IsNotFound(err)
	var missing []string
	switch {
	case err == nil:
		missing, err = doctor.MissingFields(body)
	case there && !apierrors.IsForbidden(err):
		return nil, cluster.Explain(err)
	case !there:
		err = nil
	}
	checks := []doctor.Check{doctor.CRDs(there, missing, err)}
	operators, err := c.Operators(ctx)
	checks = append(checks, doctor.Operator(operators, err)...)
	rights, err := rightsOf(ctx, c)
	checks = append(checks, doctor.Rights(c.Namespace, rights, err))
	if !there {
		return checks, nil
	}
	sources, err := c.Sources(ctx)
	switch {
	case apierrors.IsForbidden(err):
		return checks, nil // as the check of rights says
	case err != nil:
		return checks, err
	case len(sources) == 0:
		return append(checks, doctor.NoSource(c.Namespace)), nil
	}
	for i := range sources {
		s := &sources[i]
		secret, err := secretFacts(ctx, c, s.Namespace, s.Spec.SecretRef.Name)
		if err != nil {
			return checks, err
		}
		checks = append(checks, doctor.Served(s, operators)...)
		checks = append(checks, doctor.Source(s, secret, c.Now())...)
	}
	return checks, nil
}

// rightsOf asks for what the commands need.
func rightsOf(ctx context.Context, c *cluster.Client) ([]doctor.Right, error) {
	rights := []doctor.Right{
		{Verb: "list", Resource: "livepeertasks", Needed: true},
		{Verb: "watch", Resource: "livepeertasks", Needed: true},
		{Verb: "list", Resource: "livepeertasksources", Needed: true},
		{Verb: "patch", Resource: "livepeertasksources"},
	}
	for i := range rights {
		var err error
		if rights[i].Allowed, err = c.May(ctx, rights[i].Verb, rights[i].Resource); err != nil {
			return nil, err
		}
	}
	return rights, nil
}

func secretFacts(ctx context.Context, c *cluster.Client, namespace, name string) (doctor.Secret, error) {
	keys, readable, err := c.Secret(ctx, namespace, name)
	if keys == nil {
		return doctor.Secret{Readable: readable}, err
	}
	return doctor.Secret{Readable: true, Exists: true, Type: keys.Type, HasKey: keys.Has["apiKey"]}, err
}
