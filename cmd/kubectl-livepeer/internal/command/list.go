// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/task"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// selection are the flags that say which tasks are meant.
type selection struct {
	task.Filter
	all bool
}

func (s *selection) addTo(e *env, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&s.Failed, "failed", false, "only tasks that failed")
	flags.StringVar(&s.Type, "type", "", "only tasks of this type, for instance upload")
	flags.StringVar(&s.Asset, "asset", "", "only tasks of this asset: its ID, as input or output, or its name")
	flags.StringVar(&s.Source, "source", "", "only tasks of this source")
	flags.BoolVarP(&s.all, "all-namespaces", "A", false, "tasks of all namespaces")
	completes(cmd, "source", e.completeSources)
	completes(cmd, "type", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return types(), cobra.ShellCompDirectiveNoFileComp
	})
}

// types are those of tasks that Studio makes, as far as is known.
func types() []string {
	return []string{v1alpha1.TypeUpload, v1alpha1.TypeExport, v1alpha1.TypeExportData, v1alpha1.TypeTranscodeFile, v1alpha1.TypeClip}
}

// check refuses what can mean no task: an empty flag is a variable of a script that was not set, and would mean all of them.
func (s *selection) check(cmd *cobra.Command) error {
	for _, name := range []string{"asset", "type", "source"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
			return fmt.Errorf("--%s is empty; leave it out for all", name)
		}
	}
	if len(validation.IsValidLabelValue(s.Source)) > 0 {
		return fmt.Errorf("no source can be called %q", s.Source)
	}
	return nil
}

func newList(e *env) *cobra.Command {
	var which selection
	output := genericclioptions.NewPrintFlags("").WithTypeSetter(cluster.Scheme())
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List tasks: failed ones first, then those under way, then those that ended, the newest first",
		Example: "  kubectl livepeer list --failed\n  kubectl livepeer list --asset holiday.mp4 -o name",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := which.check(cmd); err != nil {
				return err
			}
			c, err := e.client(which.all)
			if err != nil {
				return err
			}
			if *output.OutputFormat != "" {
				return e.listObjects(cmd.Context(), c, &which, output)
			}
			tasks, err := c.Tasks(cmd.Context(), []string{which.FieldSelector()}, which.LabelSelector())
			if err != nil {
				return err
			}
			if !which.all { // what is shown may be old
				e.tellSources(cmd.Context(), c, which.Source)
			}
			tasks = matching(tasks, &which.Filter)
			task.SortForList(tasks)
			if len(tasks) == 0 {
				fmt.Fprintln(e.ErrOut, none(&which, c.Namespace))
				return nil
			}
			width, _ := term.Size(e.Out)
			e.print(listTable(tasks, which.all, width, c.Now())...)
			return nil
		},
	}
	which.addTo(e, cmd)
	output.AddFlags(cmd)
	hide(cmd.Flags(), "allow-missing-template-keys", "show-managed-fields", "template")
	return cmd
}

func matching(tasks []v1alpha1.LivepeerTask, filter *task.Filter) []v1alpha1.LivepeerTask {
	var kept []v1alpha1.LivepeerTask
	for i := range tasks {
		if filter.Matches(&tasks[i]) {
			kept = append(kept, tasks[i])
		}
	}
	return kept
}

func none(which *selection, namespace string) string {
	where := "the namespace " + namespace
	if which.all {
		where = "this cluster"
	}
	if which.Type != "" && !slices.Contains(types(), which.Type) {
		return "No such tasks in " + where + "; the types that are known: " + strings.Join(types(), ", ") +
			". Leave out a flag to see more."
	}
	if which.Filter != (task.Filter{}) {
		return "No such tasks in " + where + "; leave out a flag to see more."
	}
	return "No tasks in " + where + "; kubectl livepeer doctor says why there may be none."
}

// listTable is what list prints.
func listTable(tasks []v1alpha1.LivepeerTask, namespaces bool, width int, now time.Time) []string {
	head := []term.Column{{Header: "TASK", Least: 9}, {Header: "TYPE"}, {Header: "PHASE"}, {Header: "DONE"},
		{Header: "ASSET", Least: 12, Comfort: 30}, {Header: "MESSAGE", Least: 16, Comfort: 40}, {Header: "AGE"}}
	if namespaces {
		head = append([]term.Column{{Header: "NAMESPACE", Least: 9}}, head...)
	}
	rows := make([][]string, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		row := []string{t.Name, t.Spec.Type, task.Phase(t), percent(t), task.Name(t), task.Message(t), age(t, now)}
		if namespaces {
			row = append([]string{t.Namespace}, row...)
		}
		rows[i] = row
	}
	return term.Table(head, rows, width)
}

func percent(t *v1alpha1.LivepeerTask) string {
	if t.Status.Progress == nil {
		return ""
	}
	return fmt.Sprintf("%d%%", *t.Status.Progress)
}

func age(t *v1alpha1.LivepeerTask, now time.Time) string { return term.Age(now.Sub(task.Created(t))) }

// listObjects prints whole objects, for programs. A terminal gets no control characters.
func (e *env) listObjects(ctx context.Context, c *cluster.Client, which *selection, flags *genericclioptions.PrintFlags) error {
	printer, err := flags.ToPrinter()
	if err != nil {
		return err
	}
	tasks, whole, err := c.WholeTasks(ctx, []string{which.FieldSelector()}, which.LabelSelector())
	if err != nil {
		return err
	}
	tasks = matching(tasks, &which.Filter)
	task.SortForList(tasks)
	list := &unstructured.UnstructuredList{Items: make([]unstructured.Unstructured, len(tasks))}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("LivepeerTaskList"))
	var text bytes.Buffer
	for i := range tasks {
		list.Items[i] = *whole.Of(&tasks[i])
		if *flags.OutputFormat == "name" { // which knows no lists
			err = errors.Join(err, printer.PrintObj(&list.Items[i], &text))
		}
	}
	if *flags.OutputFormat != "name" {
		err = printer.PrintObj(list, &text)
	}
	if err != nil {
		return err
	}
	shown := text.String()
	if term.IsTerminal(e.Out) {
		shown = term.CleanLines(shown)
	}
	_, err = fmt.Fprint(e.Out, shown)
	return err
}
