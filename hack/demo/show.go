// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

const (
	// A terminal of 24 lines shows this many rows with all that is around them.
	terminalRows  = 12
	terminalEvery = 2 * time.Second
	// What goes into a file or a pipe is never drawn over.
	pipeRows  = 8
	pipeEvery = 5 * time.Second
)

// show prints what kubectl says until ctx ends or the operator does, which is an error.
func (s *stage) show(ctx context.Context) error {
	every, rows := pipeEvery, pipeRows
	terminal := isTerminal(s.out)
	if terminal {
		every, rows = terminalEvery, terminalRows
		fmt.Fprint(s.out, clearScreen)
	} else {
		fmt.Fprintln(s.out, s.hints())
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		picture, err := s.picture(ctx, rows)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case terminal:
			fmt.Fprint(s.out, redraw(s.hints()+"\n"+picture))
		default:
			fmt.Fprintln(s.out, picture)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.operator.Ended():
			return fmt.Errorf("the operator ended by itself (%w); its last words in %s:\n%s",
				s.operator.Err(), s.operatorLog(), lastLines(s.operatorLog(), 5))
		case <-ticker.C:
		}
	}
}

func (s *stage) hints() string {
	return fmt.Sprintf("In a second terminal: export KUBECONFIG=%s\n"+
		"  and then, for instance: kubectl get lpt --watch -o wide; kubectl describe lpts %s; kubectl explain lpt.status\n"+
		"The operator's log: %s. Ctrl-C ends everything.\n",
		s.kubeconfig, testbed.SourceName, s.operatorLog())
}

// picture is what kubectl prints of the source and of the tasks.
func (s *stage) picture(ctx context.Context, rows int) (string, error) {
	sources, err := s.runKubectl(ctx, "get", "livepeertasksources")
	if err != nil {
		return "", err
	}
	tasks, err := s.runKubectl(ctx, "get", "livepeertasks", "--sort-by=.status.updatedAt")
	if err != nil {
		return "", err
	}
	return "$ kubectl get livepeertasksources\n" + sources + "\n$ kubectl get livepeertasks\n" + newestRows(tasks, rows), nil
}

func (s *stage) runKubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.bed.Plane.Kubectl(), append([]string{
		"--kubeconfig=" + s.kubeconfig,
		"--cache-dir=" + s.bed.Private("kubectl-cache"),
	}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// sourceMessage is what the source says of itself, in its column STATUS.
func (s *stage) sourceMessage(ctx context.Context) string {
	message, err := s.runKubectl(ctx, "get", "livepeertasksource", testbed.SourceName,
		`-o=jsonpath={.status.conditions[?(@.type=="Ready")].message}`)
	if err != nil || message == "" {
		return "nothing yet"
	}
	return message
}

// result adds up what was shown.
func (s *stage) result(ctx context.Context) (result, error) {
	r := s.observer.tally.result()
	if s.studio != nil {
		r.polls = len(s.studio.Server.Requests())
		r.pushed = s.observer.pushes.times(s.studio.Server.Deliveries())
	}
	requests, err := s.bed.Plane.Requests(ctx, "livepeertasks")
	if err != nil {
		return result{}, err
	}
	r.writes = controlplane.Writes(requests)
	return r, nil
}

// newestRows keeps the header and the last rows of a table that is sorted by time, the newest first.
func newestRows(table string, rows int) string {
	lines := strings.Split(strings.TrimRight(table, "\n"), "\n")
	header, body := lines[0], lines[1:]
	slices.Reverse(body)
	caption := ""
	if len(body) > rows {
		caption = fmt.Sprintf("(the last updated of %d)\n", len(body))
		body = body[:rows]
	}
	return strings.Join(append([]string{header}, body...), "\n") + "\n" + caption
}

const clearScreen = "\x1b[2J"

// redraw draws over the picture before: from the top, each line to its end, and away with what is left below.
func redraw(picture string) string {
	return "\x1b[H" + strings.ReplaceAll(picture, "\n", "\x1b[K\n") + "\x1b[J"
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func lastLines(path string, n int) string {
	content, err := os.ReadFile(path) //nolint:gosec // the demonstration's own log
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
