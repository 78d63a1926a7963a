// SPDX-License-Identifier: Apache-2.0

// Package command holds the commands of kubectl livepeer: each reads what it needs, lets the pure packages beside it decide, and prints.
// Run is the entry point.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"

	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/task"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// exitInterrupted is what shells expect of a program that Ctrl-C ended.
const exitInterrupted = 130

// env is what all commands share.
type env struct {
	genericiooptions.IOStreams
	flags   *genericclioptions.ConfigFlags
	version string
}

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

// Run carries out a command line and returns the exit code of the program.
func Run(ctx context.Context, args []string, streams genericiooptions.IOStreams, version string) int {
	silence()
	root := newRoot(&env{IOStreams: streams, flags: genericclioptions.NewConfigFlags(true), version: version})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	code, coded := task.ExitFailed, (*exitError)(nil)
	if errors.As(err, &coded) {
		code = coded.code
	}
	if err.Error() != "" {
		fmt.Fprintln(streams.ErrOut, "error: "+term.Clean(helped(err.Error())))
	}
	return code
}

// helped adds the next step to what cobra says of a command that there is not, unless it suggests another.
func helped(text string) string {
	_, of, found := strings.Cut(text, " for \"")
	if of, whole := strings.CutSuffix(of, "\""); found && whole && strings.HasPrefix(text, "unknown command ") {
		text += "; " + of + " --help shows those there are"
	}
	return text
}

// flagError adds the next step to what pflag says of a flag.
func flagError(cmd *cobra.Command, err error) error {
	switch text := err.Error(); {
	case strings.Contains(text, "in duration"), strings.Contains(text, "invalid duration"):
		return fmt.Errorf("%w; write 30s, 10m or 1h", err)
	case strings.Contains(text, "strconv.ParseBool"):
		return fmt.Errorf("%w; write true or false behind the =, or nothing", err)
	case strings.HasPrefix(text, "unknown "):
		return fmt.Errorf("%w; %s --help shows those there are", err, cmd.CommandPath())
	}
	return err
}

// silence keeps the libraries from logging: what matters of it is told in sentences.
func silence() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	// Errors go to stderr as well, whatever the output is, unless they are below this.
	_ = flags.Set("stderrthreshold", "FATAL") // which is one of the levels
	klog.LogToStderr(false)
	klog.SetOutput(nothing{})
}

type nothing struct{}

func (nothing) Write(b []byte) (int, error) { return len(b), nil }

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-livepeer",
		Short: "Look at the tasks of Livepeer Studio that this cluster mirrors, wait for them, and tend their sources",
		Long: "Look at the tasks of Livepeer Studio that this cluster mirrors, wait for them, and tend their sources.\n\n" +
			"A <task> is the name of a LivepeerTask, its ID in Studio in any case, or the first 8 or more characters of its name; an " +
			"<asset> is the ID of an asset, or the name that list shows where only one task has it.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl livepeer"},
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	e.flags.AddFlags(root.PersistentFlags())
	hide(root.PersistentFlags(), rarelyUsed...)
	if err := root.RegisterFlagCompletionFunc("namespace", cobra.NoFileCompletions); err != nil {
		panic(err) // there is no such flag
	}
	root.SetFlagErrorFunc(flagError)
	root.SetOut(e.Out)
	root.SetErr(e.ErrOut)
	root.AddCommand(
		newList(e), newWatch(e), newWait(e), newShow(e), newURL(e),
		newSync(e), newSuspend(e), newResume(e), newConfirmDeletion(e), newDoctor(e), newWebhook(e), newVersion(e),
	)
	return root
}

// rarelyUsed are kubectl's flags that would hide the commands' own in the help. They work all the same.
var rarelyUsed = []string{
	"as", "as-group", "as-uid", "as-user-extra", "cache-dir", "certificate-authority", "client-certificate", "client-key", "cluster",
	"disable-compression", "insecure-skip-tls-verify", "proxy-url", "request-timeout", "server", "tls-server-name", "token", "user",
}

func hide(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		flags.Lookup(name).Hidden = true
	}
}

// client returns a client of the namespace that is meant, or of all.
func (e *env) client(all bool) (*cluster.Client, error) {
	config, err := e.flags.ToRESTConfig()
	if err != nil {
		return nil, noConfig(err)
	}
	namespace := ""
	if !all {
		if namespace, _, err = e.flags.ToRawKubeConfigLoader().Namespace(); err != nil {
			return nil, err
		}
	}
	return cluster.New(config, namespace)
}

// noConfig adds the next step to what client-go says of a kubeconfig.
func noConfig(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; name another file with --kubeconfig", err)
	}
	for what, command := range map[string]string{"context": "get-contexts", "cluster": "get-clusters", "auth info": "get-users"} {
		if strings.HasPrefix(err.Error(), what+" ") && strings.HasSuffix(err.Error(), " does not exist") {
			return fmt.Errorf("%w; kubectl config %s shows those there are", err, command)
		}
	}
	return err
}

// print writes lines for a person.
func (e *env) print(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(e.Out, line)
	}
}

// find returns the task that an argument means, with all that were found, or nil. What no selector finds may be a part of a name.
func find(ctx context.Context, c *cluster.Client, arg string) (*found, error) {
	all, err := c.Tasks(ctx, task.Selectors(arg), "")
	if err != nil {
		return nil, err
	}
	f := &found{all: all}
	if f.task = task.Choose(arg, f.all); f.task != nil {
		return f, nil
	}
	if f.all, err = c.Tasks(ctx, []string{""}, ""); err != nil {
		return nil, err
	}
	f.task, err = task.ChooseAmong(arg, f.all)
	return f, err
}

// must is find for commands that can't wait.
func must(ctx context.Context, c *cluster.Client, arg string) (*found, error) {
	f, err := find(ctx, c, arg)
	if err == nil && f.task == nil {
		err = fmt.Errorf("no task or asset %q in the namespace %s; kubectl livepeer list shows those that are there, "+
			"and -n looks elsewhere", arg, c.Namespace)
	}
	return f, err
}

// taskArg is an argument as list shows it, perhaps cut.
func taskArg(arg string) string { return strings.TrimSuffix(strings.TrimSpace(arg), "…") }

// notNegative refuses a time-out that is over before it began.
func notNegative(timeout time.Duration) error {
	if timeout < 0 {
		return errors.New("--timeout must not be negative; 0 waits for ever")
	}
	return nil
}

// deadline ends a command after its time-out; none where it is 0.
func deadline(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}
