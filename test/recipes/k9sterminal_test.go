// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// k9s itself, in a terminal, with the files of config/k9s: its keys and columns, and what the actions do.
func TestK9s(t *testing.T) {
	binary := tool(t, "k9s")
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not there, which gives k9s a terminal")
	}
	g := NewWithT(t)
	c := newClient(t)
	source := newSource(t, c, "k9srun", metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonUnauthorized,
	})
	for minutes, raw := range []string{ // ago
		`{"id":"running","type":"upload","status":{"phase":"running","progress":0.5,"updatedAt":%d},"createdAt":%[1]d}`,
		`{"id":"completed","type":"upload","output":{"upload":{"assetSpec":{"playbackUrl":"https://example.com/index.m3u8"}}},
			"status":{"phase":"completed","updatedAt":%d},"createdAt":%[1]d}`,
		`{"id":"waiting","type":"clip","status":{"phase":"waiting","updatedAt":%d},"createdAt":%[1]d}`,
		`{"id":"failed","type":"upload","status":{"phase":"failed","errorMessage":"no such codec","updatedAt":%d},"createdAt":%[1]d}`,
	} {
		at := time.Now().Add(-time.Duration(10*minutes+1) * time.Minute)
		newTask(t, c, source.Namespace, fmt.Sprintf(raw, at.UnixMilli()))
	}
	k9s := startK9s(t, binary, source.Namespace, false)
	k9s.shows(`pods\(k9srun\)`)
	k9s.press("F7")
	k9s.shows(`PHASE +NAME +TYPE +DONE +UPDATED\S* +MESSAGE +DISPLAY NAME`)
	g.Eventually(k9s.phases, bound).Should(Equal([]string{"running", "completed", "waiting", "failed"})) // what changed last first
	k9s.shows(`(?m)running .* 50 .*$`)
	k9s.shows(`(?m)failed .*no such codec.*$`)

	k9s.press("F8")
	g.Eventually(k9s.phases, bound).Should(Equal([]string{"failed"}))
	k9s.press("F9")
	g.Eventually(k9s.phases, bound).Should(Equal([]string{"running", "waiting"}))
	k9s.press("F7")
	g.Eventually(k9s.phases, bound).Should(HaveLen(4))
	k9s.press("C-z")
	g.Eventually(k9s.phases, bound).Should(Equal([]string{"failed"}))
	k9s.press("C-z")
	k9s.press("C-w")
	k9s.shows(`SOURCE +RETRIES +INPUT ASSET +OUTPUT ASSET +PLAYBACK URL +STALLED +ERROR +AGE`)
	k9s.press("C-w")

	k9s.press("F6")
	k9s.shows(`NAME\S* +READY +TASKS +RUNNING +FAILED +STALLED +POLLED +STATUS +AGE`)
	k9s.shows(`main +Unauthorized`)
	k9s.press("s")
	k9s.shows("main annotated")
	key := client.ObjectKeyFromObject(source)
	g.Expect(c.Get(t.Context(), key, source)).To(Succeed())
	g.Expect(source.Annotations).To(HaveKey(v1alpha1.AnnotationRequestedAt))
	k9s.press("x")
	k9s.shows("Confirm Suspend")
	k9s.press("Tab", "Enter")
	suspended := func() bool {
		g.Expect(c.Get(t.Context(), key, source)).To(Succeed())
		return source.Spec.Suspend
	}
	g.Eventually(suspended, bound).Should(BeTrue())
	k9s.press("r")
	g.Eventually(suspended, bound).Should(BeFalse())
}

// The actions in the folder plugins, under another name; and with --readonly those that change something are not there.
func TestK9sReadOnly(t *testing.T) {
	binary := tool(t, "k9s")
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not there, which gives k9s a terminal")
	}
	c := newClient(t)
	source := newSource(t, c, "k9sread")
	newTask(t, c, source.Namespace, `{"id":"k9s-read","type":"upload","status":{"phase":"running"}}`)
	offered := `<x> +Suspend`
	k9s := startK9s(t, binary, source.Namespace, true)
	k9s.shows(`pods\(k9sread\)`)
	k9s.press("F6")
	k9s.shows(offered)

	k9s = startK9s(t, binary, source.Namespace, true, "--readonly")
	k9s.shows(`pods\(k9sread\)`)
	k9s.press("F7")
	k9s.shows(`<s> +Show`)
	k9s.press("F6")
	k9s.shows(`main `)
	NewWithT(t).Expect(k9s.screen()).NotTo(Or(MatchRegexp(offered), MatchRegexp("Sync now"), MatchRegexp("Resume")))
}

const bound = 30 * time.Second // k9s reads anew every two seconds; machines can be busy

// terminal is a terminal in which k9s runs: a session of tmux, in a server of its own.
type terminal struct {
	t      *testing.T
	socket string
}

// startK9s runs k9s with the files of config/k9s, and with kubectl and the kubectl plugin in its PATH: where K9S_CONFIG_DIR says, or below
// XDG_CONFIG_HOME with the actions in a folder.
func startK9s(t *testing.T, binary, namespace string, xdg bool, args ...string) *terminal {
	t.Helper()
	g := NewWithT(t)
	dir := pluginTools(t)
	config := filepath.Join(dir, "k9s")
	g.Expect(os.CopyFS(config, os.DirFS(k9sConfig))).To(Succeed())
	where := "K9S_CONFIG_DIR=" + config
	if xdg {
		where = "XDG_CONFIG_HOME=" + dir
		g.Expect(os.Mkdir(filepath.Join(config, "plugins"), 0o700)).To(Succeed())
		g.Expect(os.Rename(filepath.Join(config, "plugins.yaml"), filepath.Join(config, "plugins", "livepeer.yaml"))).To(Succeed())
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	g.Expect(controlplane.WriteKubeconfig(kubeconfig, cluster.Config(), "elsewhere")).To(Succeed())
	k9s := &terminal{t: t, socket: filepath.Join(dir, "tmux")}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(config, "k9s.log"))
			t.Logf("k9s shows:\n%s\nand logged:\n%s", k9s.screen(), log)
		}
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), "tmux", "-S", k9s.socket, "kill-server").Run()
	})
	k9s.tmux(append([]string{"-f", "/dev/null", "new-session", "-d", "-x", "400", "-y", "50",
		"-e", where, "-e", "K9S_LOGS_DIR=" + config, "-e", "KUBECONFIG=", "-e", "HOME=" + dir, "-e", "PATH=" + dir + ":" + os.Getenv("PATH"),
		"-e", "TERM=xterm-256color", binary, "--kubeconfig=" + kubeconfig, "--namespace=" + namespace}, args...)...)
	return k9s
}

func (k *terminal) tmux(args ...string) string {
	k.t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(k.t.Context()), "tmux", append([]string{"-S", k.socket}, args...)...).CombinedOutput()
	NewWithT(k.t).Expect(err).NotTo(HaveOccurred(), "%s", out)
	return string(out)
}

// press presses keys, by tmux's names for them.
func (k *terminal) press(keys ...string) {
	k.t.Helper()
	k.tmux(append([]string{"send-keys"}, keys...)...)
}

func (k *terminal) screen() string {
	k.t.Helper()
	return k.tmux("capture-pane", "-p")
}

func (k *terminal) shows(pattern string) {
	k.t.Helper()
	NewWithT(k.t).Eventually(k.screen, bound).Should(MatchRegexp(pattern))
}

var k9sRow = regexp.MustCompile(`(?m)^\W*(\w+) +\w+ +(?:upload|clip) `)

// phases are those of the tasks that k9s shows, from the top.
func (k *terminal) phases() (phases []string) {
	for _, row := range k9sRow.FindAllStringSubmatch(k.screen(), -1) {
		phases = append(phases, row[1])
	}
	return phases
}
