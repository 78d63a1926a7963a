// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/task"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// redraw is how often a live table is drawn at most while much changes, and at least, so that ages go on and it follows the window.
const (
	redrawSoonest = 200 * time.Millisecond
	redrawLatest  = time.Second
)

func newWatch(e *env) *cobra.Command {
	var which selection
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Follow tasks: a live table on a terminal, else a line for each change",
		Long: "Follow tasks, until Ctrl-C. A terminal shows a live table with what is under way on top. Where stdout is none, there is a " +
			"line for each task that is under way at the start, and then for each change: time, task, type, phase, progress, message.",
		Example: "  kubectl livepeer watch --type upload\n  kubectl livepeer watch | tee tasks.log",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := which.check(cmd); err != nil {
				return err
			}
			c, err := e.client(which.all)
			if err != nil {
				return err
			}
			return e.watch(cmd.Context(), c, &which)
		},
	}
	which.addTo(e, cmd)
	return cmd
}

func (e *env) watch(ctx context.Context, c *cluster.Client, which *selection) error {
	// What can't work, for want of rights for instance, is told at once, and not tried for ever.
	if err := c.Readable(ctx); err != nil {
		return err
	}
	broken, live, empty := e.tellBroken(), term.CanDraw(e.Out), none(which, c.Namespace)
	screen := &screen{out: e.Out}
	if !which.all && !live { // a live table would hide it
		e.tellSources(ctx, c, which.Source)
	}
	if live {
		broken = screen.note
		screen.open()
		defer screen.close()
	}
	watch := c.WatchTasks(ctx, []string{which.FieldSelector()}, which.LabelSelector(), task.Slim, broken)
	log := newChangeLog()
	for {
		switch changed := next(ctx, watch, live); {
		case ctx.Err() != nil:
			return nil
		case changed:
			screen.goesOn()
		}
		tasks, synced := watch.Items()
		if !synced {
			continue
		}
		tasks = matching(tasks, &which.Filter)
		if !live {
			if len(tasks) == 0 && !log.began {
				fmt.Fprintln(e.ErrOut, empty)
			}
			e.print(log.lines(tasks, which.all, c.Now())...)
			continue
		}
		screen.draw(func(width, height int) []string {
			lines := frame(tasks, title(which, c.Namespace), which.all, width, height, c.Now())
			if len(tasks) == 0 {
				lines = append(lines, term.Cut(empty, width))
			}
			return lines
		})
	}
}

// next waits until something has changed, and reports whether that is so: a live table is drawn anew at times even so.
func next(ctx context.Context, watch *cluster.Watch[v1alpha1.LivepeerTask], live bool) (changed bool) {
	if !live {
		select {
		case <-ctx.Done():
			return false
		case <-watch.Changed:
			return true
		}
	}
	soonest, latest := time.NewTimer(redrawSoonest), time.NewTimer(redrawLatest)
	defer soonest.Stop()
	defer latest.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-latest.C:
		return false
	case <-watch.Changed:
	}
	select {
	case <-ctx.Done():
	case <-soonest.C:
	}
	return true
}

func title(which *selection, namespace string) string {
	if which.all {
		return "all namespaces"
	}
	return namespace
}

// frame is what a live table shows: a line that sums up, and as many tasks as there is room for.
func frame(tasks []v1alpha1.LivepeerTask, where string, namespaces bool, width, height int, now time.Time) []string {
	task.SortForWatch(tasks)
	lines := []string{term.Cut(fmt.Sprintf("%s  %s: %s", now.Format(time.TimeOnly), where, task.Summary(tasks)), width), ""}
	room := max(1, height-len(lines)-2) // the header of the table, and what is left out
	shown := tasks[:min(len(tasks), room)]
	lines = append(lines, watchTable(shown, namespaces, width, now)...)
	if more := len(tasks) - len(shown); more > 0 {
		lines = append(lines, term.Cut(fmt.Sprintf("... and %d more; --failed, --type, --source and --asset choose", more), width))
	}
	return lines
}

func watchTable(tasks []v1alpha1.LivepeerTask, namespaces bool, width int, now time.Time) []string {
	head := []term.Column{{Header: "TASK", Least: 9}, {Header: "TYPE"}, {Header: "PHASE"}, {Header: "PROGRESS"},
		{Header: "ASSET", Least: 8, Comfort: 30}, {Header: "MESSAGE", Least: 10, Comfort: 40}, {Header: "AGE"}}
	bar := 6
	if width >= 120 {
		bar = 20
	}
	if namespaces {
		head = append([]term.Column{{Header: "NAMESPACE", Least: 9}}, head...)
	}
	rows := make([][]string, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		drawn := ""
		if t.Status.Progress != nil {
			drawn = fmt.Sprintf("%s %3d%%", term.Bar(int(*t.Status.Progress), bar), *t.Status.Progress)
		}
		row := []string{t.Name, t.Spec.Type, task.Phase(t), drawn, task.Name(t), task.Message(t), age(t, now)}
		if namespaces {
			row = append([]string{t.Namespace}, row...)
		}
		rows[i] = row
	}
	return term.Table(head, rows, width)
}

// changeLog remembers what was printed of each task, so that a line is a change.
type changeLog struct {
	began  bool
	logged map[string]logged
}

type logged struct{ line, kind, phase string }

func newChangeLog() *changeLog { return &changeLog{logged: map[string]logged{}} }

// lines are those of what has changed since they were last asked for. At first, they are of what is under way.
func (l *changeLog) lines(tasks []v1alpha1.LivepeerTask, namespaces bool, now time.Time) []string {
	task.SortForWatch(tasks)
	var lines []string
	known := map[string]logged{}
	for i := range tasks {
		t := &tasks[i]
		name := t.Name
		if namespaces {
			name = t.Namespace + "/" + name
		}
		entry := logged{line: task.Line(t, name), kind: task.Word(t.Spec.Type), phase: task.Word(task.Phase(t))}
		known[name] = entry
		if before, there := l.logged[name]; before != entry && (l.began || there || !t.IsFinished()) {
			lines = append(lines, now.UTC().Format(time.RFC3339)+" "+term.Clean(entry.line))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.logged)) {
		if _, there := known[name]; !there {
			gone := fmt.Sprintf("%s %s gone - was %s", name, l.logged[name].kind, l.logged[name].phase)
			lines = append(lines, now.UTC().Format(time.RFC3339)+" "+term.Clean(gone))
		}
	}
	l.began, l.logged = true, known
	return lines
}
