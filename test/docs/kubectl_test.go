// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// changes are what happens in Studio while a command waits, by what the command holds.
var changes = map[string]func(*world){
	running + " --for=condition=Finished":      func(w *world) { w.studio.Update(running, becomes("completed", nil)) },
	failed + " --for=condition=Finished=false": func(w *world) { w.studio.Update(failed, becomes("waiting", obj{"retries": 0})) },
	"--watch --output-watch-events":            func(w *world) { w.studio.Update(waiting, becomes("running", obj{"progress": 0.1})) },
	waiting + " --for=delete":                  func(w *world) { w.studio.Delete(waiting); w.resync() },
	"livepeer wait " + running:                 func(w *world) { w.studio.Update(running, becomes("completed", nil)) },
}

// Every command of the document is run, in its order, and prints what the document says.
func TestKubectlDocument(t *testing.T) {
	w := newWorld(t)
	file, err := os.ReadFile("../../docs/kubectl.md")
	w.Expect(err).NotTo(HaveOccurred())
	steps := stepsOf(string(file))
	w.Expect(len(steps)).To(BeNumerically(">", 20))
	w.Expect(strings.Count(string(file), "\n```") % 2).To(BeZero())
	w.Expect(blocks.FindAllString(string(file), -1)).To(HaveLen(strings.Count(string(file), "\n```")/2), "a block that is not run")
	w.runAll(t, steps)
}

// So is what the plugin's document shows of commands that print the same anywhere.
func TestPluginDocument(t *testing.T) {
	w := newWorld(t)
	w.buildPlugin(t)
	file, err := os.ReadFile("../../docs/plugin.md")
	w.Expect(err).NotTo(HaveOccurred())
	steps := stepsOf(string(file))
	w.Expect(len(steps)).To(BeNumerically(">", 10))
	w.runAll(t, steps)
}

// runAll runs steps one after the other, with what happens in Studio meanwhile.
func (w *world) runAll(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		var during func()
		for part, change := range changes {
			if strings.Contains(s.command, part) {
				during = func() { change(w) }
			}
		}
		w.runs(t, s, during)
	}
}

// The commands of the other documents run as well. What they print is not shown there.
func TestCommandsOfOtherDocuments(t *testing.T) {
	w := newWorld(t)
	for file, sections := range map[string][]string{
		"README.md":              {"## Reading tasks"},
		"docs/app-developers.md": {"## What your app needs"},
		"docs/livepeertask.md":   {"### Select", "### Watch", "### redactedFields, omittedFields, unknownFields", "## Debugging"},
	} {
		for _, section := range sections {
			commands := commandsOf(w, file, section)
			w.Expect(commands).NotTo(BeEmpty(), "%s, %s", file, section)
			for _, command := range commands {
				command = strings.NewReplacer("<task id>", done, "<name>", done, "-n media", "-n default").Replace(command)
				w.runs(t, step{command: command}, nil)
			}
		}
	}
	w.rotates(t)
}

// rotates stores a new key as the page of sources says. All else in the Secret stays.
func (w *world) rotates(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile("../../docs/livepeertasksource.md")
	w.Expect(err).NotTo(HaveOccurred())
	_, section, _ := strings.Cut(string(page), "### Rotate the key\n\n```\n")
	command, _, _ := strings.Cut(section, "```")
	w.Expect(command).To(ContainSubstring(" -n media "))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "livepeer"}}
	more := client.RawPatch(types.MergePatchType, []byte(`{"stringData": {"webhookSecret": "0123456789abcdef"}}`))
	w.Expect(w.client.Patch(w.ctx, secret, more)).To(Succeed())
	w.runs(t, step{command: "echo another | " + strings.Replace(command, "-n media", "-n default", 1)}, nil)
	w.Expect(w.client.Get(w.ctx, client.ObjectKeyFromObject(secret), secret)).To(Succeed())
	w.Expect(secret.Data).To(Equal(map[string][]byte{"apiKey": []byte("another\n"), "webhookSecret": []byte("0123456789abcdef")}))
}

// commandsOf returns the lines of a section's blocks that call kubectl.
func commandsOf(w *world, file, section string) []string {
	text, err := os.ReadFile(filepath.Join("..", "..", file))
	w.Expect(err).NotTo(HaveOccurred())
	_, rest, found := strings.Cut(string(text), "\n"+section+"\n")
	w.Expect(found).To(BeTrue(), "%s has no %s", file, section)
	if end := regexp.MustCompile(`(?m)^##`).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	return regexp.MustCompile(`(?m)^kubectl .*$`).FindAllString(rest, -1)
}

// step is a command, or a script, and what the document shows of its output: nothing where it doesn't.
type step struct{ command, output string }

// stepsOf returns the steps of a document: the commands of each console block, and each bash block.
func stepsOf(document string) []step {
	var steps []step
	for _, block := range blocks.FindAllStringSubmatch(document, -1) {
		if block[1] == "bash" {
			steps = append(steps, step{command: block[2]})
			continue
		}
		for line := range strings.Lines(block[2]) {
			if command, found := strings.CutPrefix(line, "$ "); found {
				steps = append(steps, step{command: strings.TrimSpace(command)})
			} else {
				steps[len(steps)-1].output += line
			}
		}
	}
	return steps
}

// runs carries out a step and compares. One that ends with an error has to say so in the document; one that watches is ended
// once it has printed what it should.
func (w *world) runs(t *testing.T, s step, during func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	before := w.reads()
	run := w.start(ctx, s.command)
	if strings.Contains(s.command, "--watch") {
		first := strings.Count(s.output, "\n") - 1
		w.Eventually(func() int { return strings.Count(run.output(), "\n") }, soon).Should(BeNumerically(">=", first), s.command)
	}
	if during != nil {
		w.Eventually(w.reads, soon).Should(BeNumerically(">", before), "%s asks for nothing", s.command)
		w.Consistently(run.done, 500*time.Millisecond).ShouldNot(BeClosed(), "%s does not wait", s.command)
		during()
	}
	if strings.Contains(s.command, "--watch") {
		w.Eventually(func() string { return plain(run.output()) }, soon).Should(HavePrefix(plain(s.output)), s.command)
		cancel()
		w.Eventually(run.done, soon).Should(BeClosed())
		return
	}
	w.Eventually(run.done, soon).Should(BeClosed(), s.command)
	failed := strings.HasPrefix(s.output, "error: ")
	w.Expect(run.err != nil).To(Equal(failed), "%s: %v\n%s", s.command, run.err, run.output())
	if s.output != "" {
		w.Expect(plain(run.output())).To(Equal(plain(s.output)), s.command)
	}
}

// reads counts how often tasks were read. A busy machine takes long to start a command; from its first read on, it knows what is there.
func (w *world) reads() int {
	requests, err := w.cluster.Requests(w.ctx, "livepeertasks")
	w.Expect(err).NotTo(HaveOccurred())
	return requests["GET"] + requests["LIST"]
}

var (
	blocks = regexp.MustCompile("(?s)```(console|bash)\n(.*?)```")
	age    = regexp.MustCompile(`\b(\d+(ms|[dhms]))+\b`)
	moment = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT[\d:]+Z`)
	spaces = regexp.MustCompile(` +`)
)

// plain is an output without what depends on the moment: times, ages, and the width of the columns that hold them.
func plain(output string) string {
	lines := strings.Split(age.ReplaceAllString(moment.ReplaceAllString(strings.TrimSpace(output), "TIME"), "AGE"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(spaces.ReplaceAllString(line, " "))
	}
	return strings.Join(lines, "\n")
}
