// SPDX-License-Identifier: Apache-2.0

// Command kubectl-livepeer is the kubectl plugin of the operator: kubectl livepeer.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/command"
)

// version is set when the plugin is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	code := command.Run(ctx, os.Args[1:], streams, version)
	stop()
	os.Exit(code)
}
