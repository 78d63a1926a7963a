// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// terminal is a pseudo-terminal of 80 columns and 10 rows, with what appeared on it.
type terminal struct {
	w       *world
	keys    *os.File
	shown   buffer
	streams genericiooptions.IOStreams
}

func (w *world) terminal() *terminal {
	w.t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)).To(Succeed())
	number, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	w.Expect(err).NotTo(HaveOccurred())
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 80, Row: 10})).To(Succeed())
	it := &terminal{w: w, keys: keys, streams: genericiooptions.IOStreams{In: screen, Out: screen, ErrOut: screen}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for page := make([]byte, 4096); ; {
			n, err := keys.Read(page)
			if err != nil { // the end of the test
				return
			}
			_, _ = it.shown.Write(page[:n])
		}
	}()
	w.t.Cleanup(func() {
		screen.Close()
		w.Eventually(read, soon).Should(BeClosed())
		keys.Close()
	})
	return it
}

// types answers what appears.
func (it *terminal) types(answer, after string) {
	it.w.t.Helper()
	it.w.Eventually(it.shown.String, soon).Should(ContainSubstring(after))
	_, err := it.keys.WriteString(answer)
	it.w.Expect(err).NotTo(HaveOccurred())
}

func TestWatchOnATerminalIsALiveTable(t *testing.T) {
	t.Setenv("TERM", "xterm")
	w := newWorld(t)
	works := w.task("works", "clip", "running")
	for i := range 9 {
		w.task(fmt.Sprintf("done-%d", i), "upload", "completed")
	}
	terminal := w.terminal()
	watch := w.start([]string{"watch"}, terminal.streams)
	w.Eventually(terminal.shown.String, soon).Should(And(
		HavePrefix(openPage), ContainSubstring(w.namespace+": 1 running, 9 completed"), ContainSubstring("... and 4 more")))
	w.becomes(works, "running", 50)
	w.Eventually(terminal.shown.String, soon).Should(ContainSubstring("▕███   ▏  50%"))
	watch.stop()
	w.ends(watch, 0)
	left := func() string {
		_, left, _ := strings.Cut(terminal.shown.String(), closePage)
		return left
	}
	w.Eventually(left, soon).Should(ContainSubstring("works"), "what was shown last stays")
	for _, drawn := range strings.Split(terminal.shown.String(), toTop)[1:] {
		frame, _, _ := strings.Cut(drawn, clearBelow)
		lines := strings.Split(strings.ReplaceAll(frame, clearLine, ""), "\r\n")
		w.Expect(len(lines)).To(BeNumerically("<=", 10))
		for _, line := range lines {
			w.Expect(term.Columns(line)).To(BeNumerically("<=", 80), line)
		}
	}
}

// TestPrintedObjects: a terminal obeys what a program has to get as it is.
func TestPrintedObjects(t *testing.T) {
	w := newWorld(t)
	w.task("done", "upload", "completed", func(t *v1alpha1.LivepeerTask) { t.Status.DisplayName = "a\u009b2Jb" })
	args := []string{"list", "-o", "jsonpath={.items[0].status.displayName}!"}
	w.Expect(w.runs(0, args...)).To(Equal("a\u009b2Jb!"))
	terminal := w.terminal()
	w.ends(w.start(args, terminal.streams), 0)
	w.Eventually(terminal.shown.String, soon).Should(Equal("a2Jb!"))
}

// TestALineIsAChange: of what is under way at first, then of each change, with the namespace where there are several.
func TestALineIsAChange(t *testing.T) {
	g := NewWithT(t)
	log := newChangeLog()
	task := func(name, phase string) v1alpha1.LivepeerTask {
		return v1alpha1.LivepeerTask{
			ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name},
			Spec:       v1alpha1.LivepeerTaskSpec{Type: "clip"}, Status: v1alpha1.LivepeerTaskStatus{Phase: phase},
		}
	}
	lines := func(tasks ...v1alpha1.LivepeerTask) []string {
		var said []string
		for _, line := range log.lines(tasks, true, time.Now()) {
			_, line, _ = strings.Cut(line, " ")
			said = append(said, line)
		}
		return said
	}
	works, ended := task("works", "running"), task("ended", "completed")
	g.Expect(lines(works, ended)).To(Equal([]string{"media/works clip running -"}))
	g.Expect(lines(works, ended)).To(BeEmpty())
	g.Expect(lines(works, ended, task("fresh", "completed"))).To(Equal([]string{"media/fresh clip completed -"}))
	g.Expect(lines(task("works", "completed"))).To(Equal([]string{
		"media/works clip completed -", "media/ended clip gone - was completed", "media/fresh clip gone - was completed",
	}))
}

func TestFrameFits(t *testing.T) {
	g := NewWithT(t)
	tasks := make([]v1alpha1.LivepeerTask, 30)
	for i := range tasks {
		tasks[i].Namespace, tasks[i].CreationTimestamp = "home", metav1.Now()
		tasks[i].Name, tasks[i].Spec.Type = fmt.Sprintf("%08d-61a0-4254-9875-f71f4c605bc7", i), "transcode-file"
		tasks[i].Status.Phase, tasks[i].Status.Progress = "completed", new(int32(100))
		tasks[i].Status.DisplayName, tasks[i].Status.ErrorMessage = strings.Repeat("会議", 30), strings.Repeat("why ", 30)
	}
	tasks[29].Status.Phase = "running"
	g.Expect(frame(slices.Clone(tasks), "media", false, 200, 24, time.Now())[3]).To(ContainSubstring("running"), "what is under way is on top")
	for _, size := range [][2]int{{80, 24}, {80, 33}, {80, 34}, {200, 50}, {20, 3}} {
		lines := frame(tasks, "media", true, size[0], size[1], time.Now())
		g.Expect(len(lines)).To(BeNumerically("<=", max(size[1], 5)))
		for _, line := range lines {
			g.Expect(term.Columns(line)).To(BeNumerically("<=", size[0]), line)
		}
		shown := strings.Join(lines, "\n")
		g.Expect(strings.Contains(shown, strings.Repeat("█", 20))).To(Equal(size[0] >= 120), "a bar as long as there is room for")
		g.Expect(strings.Contains(shown, "... and ")).To(Equal(size[1] < 34), shown)
		g.Expect(shown).To(ContainSubstring("home"), "the namespace")
	}
}

func TestNoteIsShownUntilTheWatchGoesOn(t *testing.T) {
	g := NewWithT(t)
	out := &buffer{}
	s := &screen{out: out}
	s.note(fmt.Errorf("no \x1b[2Janswer"))
	draw := func(rows int) {
		s.draw(func(width, height int) []string { // as for a terminal that does not tell its size
			g.Expect([]int{width, height}).To(Equal([]int{80, rows}))
			return []string{"a", "b"}
		})
	}
	draw(23)
	draw(23)
	s.goesOn()
	draw(24)

	s.note(fmt.Errorf("forbidden"))
	draw(23)
	s.told = s.told.Add(-2 * triedWithin) // and it has not broken again
	draw(24)
	g.Expect(strings.Count(out.String(), "The watch broke, and is tried again: no answer")).To(Equal(2))
}
