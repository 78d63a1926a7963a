// SPDX-License-Identifier: Apache-2.0

package apps

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const examples = "../../examples"

func TestJavaScript(t *testing.T) {
	t.Parallel()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("SKIPPED: node and npm are missing; on Debian: apt-get install nodejs npm")
	}
	g := NewWithT(t)
	dir := t.TempDir() // so that nothing is left beside the example
	g.Expect(os.CopyFS(dir, os.DirFS(filepath.Join(examples, "javascript")))).To(Succeed())
	install := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	out, err := install.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	testProgram(t, "node", filepath.Join(dir, "tasks.js"))
}

func TestPython(t *testing.T) {
	t.Parallel()
	for _, python := range []string{"python3", "/usr/bin/python3"} { // the second is Debian's, which has Debian's packages
		if exec.CommandContext(t.Context(), python, "-c", "import kubernetes").Run() == nil {
			testProgram(t, python, filepath.Join(examples, "python", "tasks.py"))
			return
		}
	}
	t.Skip("SKIPPED: Python's client of Kubernetes is missing; on Debian: apt-get install python3-kubernetes")
}

func TestGo(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "go-app")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, examples+"/go-app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build, so that it is all compiled already
	out, err := build.CombinedOutput()
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), string(out))
	testProgram(t, binary)
}

// testProgram expects of a program, in whichever language, what the page says.
func testProgram(t *testing.T, program ...string) {
	t.Helper()
	t.Run("failures", func(t *testing.T) { testFailures(newWorld(t, program)) })
	t.Run("completions", func(t *testing.T) { testCompletions(newWorld(t, program)) })
	t.Run("wait", func(t *testing.T) { testWait(newWorld(t, program)) })
	t.Run("wait in vain", func(t *testing.T) { testWaitInVain(newWorld(t, program)) })
	t.Run("lost connections", func(t *testing.T) { testLostConnections(newWorld(t, program)) })
	t.Run("usage", func(t *testing.T) {
		w := newWorld(t, program)
		for _, args := range [][]string{{"unheard-of"}, {"wait"}, {"failures", "more"}} {
			wrong := w.start(args...)
			w.Eventually(wrong.ended, soon).Should(Receive(HaveOccurred()))
			w.Expect(wrong).To(gbytes.Say(`(?i)usage: .*failures\|completions\|wait <asset ID>`))
		}
	})
}

// Each failure is a line: those that are there, those to come, and a retry that fails. Another write of a task is none.
func testFailures(w *world) {
	timedOut := v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseFailed, ErrorMessage: "It timed out"}
	task := w.task("old", "", timedOut)
	p := w.start("failures")
	w.Eventually(p, soon).Should(gbytes.Say(`^old \(upload\): It timed out\n`))

	labelled := task.DeepCopy()
	labelled.Labels = map[string]string{"mine": "yes"}
	w.Expect(w.client.Patch(w.t.Context(), labelled, client.MergeFrom(task))).To(Succeed())
	task = labelled
	w.task("running", "", v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseRunning})
	w.task("new", "", timedOut)
	w.Eventually(p, soon).Should(gbytes.Say(`^new \(upload\): It timed out\n`))

	w.becomes(task, v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseRunning})
	w.becomes(task, v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseFailed, ErrorMessage: "Again"})
	w.Eventually(p, soon).Should(gbytes.Say(`^old \(upload\): Again\n`))
}

// Each playback URL is a line, those that are there and those to come.
func testCompletions(w *world) {
	completed := func(name string) v1alpha1.LivepeerTaskStatus {
		asset := &v1alpha1.AssetSpec{Name: name, PlaybackURL: "https://cdn.example.com/" + name + ".m3u8"}
		output := &v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{AssetSpec: asset}}
		return v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseCompleted, DisplayName: name, Output: output}
	}
	w.task("old", "", completed("holiday"))
	p := w.start("completions")
	w.Eventually(p, soon).Should(gbytes.Say(`^holiday: https://cdn\.example\.com/holiday\.m3u8\n`))
	w.task("export", "", v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseCompleted}) // has no URL
	running := w.task("new", "", v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseRunning})
	w.becomes(running, completed("wedding"))
	w.Eventually(p, soon).Should(gbytes.Say(`^wedding: https://cdn\.example\.com/wedding\.m3u8\n`))
}

// The program may begin before the task is there; it ends when the task does, with status 0 if all went well.
func testWait(w *world) {
	p := w.start("wait", "asset-1")
	w.task("other", "asset-2", v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseFailed})
	task := w.task("upload-1", "asset-1", v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseRunning})
	w.Eventually(p, soon).Should(gbytes.Say(`upload-1: running\n`))
	w.Expect(p.ended).NotTo(Receive())
	w.becomes(task, v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseCompleted})
	w.Eventually(p.ended, soon).Should(Receive(BeNil()))
	w.Expect(p).To(gbytes.Say(`^upload-1: completed\n`))
	w.Expect(p.output.Contents()).NotTo(ContainSubstring("other"))
}

// An asset that will not be there ends the program with another status, and the reason.
func testWaitInVain(w *world) {
	w.task("upload-1", "asset-1", v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseFailed, ErrorMessage: "It timed out"})
	p := w.start("wait", "asset-1")
	w.Eventually(p.ended, soon).Should(Receive(HaveOccurred()))
	w.Expect(p).To(gbytes.Say(`upload-1: failed`))
	w.Expect(p.output.Contents()).To(ContainSubstring("It timed out"))
}
