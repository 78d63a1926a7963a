// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"fmt"
	"os/exec"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// shellTasks is as many as a shell loop is tried with: it needs most of a second for each.
const shellTasks = 60

//go:embed loop.sh
var loop string

// measureShell does the operator's job with curl, jq and kubectl.
func measureShell(ctx context.Context, r *runner) error {
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Fprintf(r.out, "  skipped: there is no %s\n", tool)
			return nil
		}
	}
	n := min(r.tasks, shellTasks)
	a, err := openAccount(n)
	if err != nil {
		return err
	}
	defer a.close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.bed.Plane.Apply(ctx, testbed.Namespace(namespace)); err != nil {
			return err
		}
		r.result.add("shell.tasks", float64(n))
		for _, pass := range []string{"first", "unchanged", "change"} {
			if pass == "change" {
				a.change(n)
			}
			began := time.Now()
			if err := s.shell(ctx, a); err != nil {
				fmt.Fprintf(r.out, "  the shell loop failed, as it does at the first error: %v\n", err)
				return ctx.Err()
			}
			r.result.add("shell."+pass+".rate", float64(n)/time.Since(began).Seconds())
		}
		return nil
	})
}

// shell runs the loop once over all tasks.
func (s *stage) shell(ctx context.Context, a *account) error {
	cmd := exec.CommandContext(ctx, "bash", "-c", loop)
	cmd.Env = append(cmd.Environ(),
		"KUBECTL="+s.bed.Plane.Kubectl(), "KUBECONFIG="+s.rivalKubeconfig,
		"KUBECACHEDIR="+s.bed.Private("kubectl-cache"), "STUDIO="+a.url(), "KEY="+livepeertest.APIKey)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
