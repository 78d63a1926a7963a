// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// Each plugin does to a source and shows of a task what it says, with kubectl and the kubectl plugin against a real API server.
func TestK9sPlugins(t *testing.T) {
	g := NewWithT(t)
	c := newClient(t)
	source := newSource(t, c, "k9splugins")
	key := client.ObjectKeyFromObject(source)
	task := newTask(t, c, key.Namespace, `{"id":"k9s-played","type":"upload",
		"output":{"upload":{"assetSpec":{"playbackUrl":"https://example.com/index.m3u8"}}},"status":{"phase":"completed"}}`)
	unplayed := newTask(t, c, key.Namespace, `{"id":"k9s-unplayed","type":"upload","status":{"phase":"running"}}`)
	run := k9sPlugins(t, key.Namespace)

	g.Expect(run("livepeer-suspend", source.Name)).To(ContainSubstring("patched"))
	g.Expect(c.Get(t.Context(), key, source)).To(Succeed())
	g.Expect(source.Spec.Suspend).To(BeTrue())
	g.Expect(run("livepeer-resume", source.Name)).To(ContainSubstring("patched"))
	g.Expect(c.Get(t.Context(), key, source)).To(Succeed())
	g.Expect(source.Spec.Suspend).To(BeFalse())

	g.Expect(run("livepeer-sync", source.Name)).To(ContainSubstring("annotated"))
	g.Expect(c.Get(t.Context(), key, source)).To(Succeed())
	first := source.Annotations[v1alpha1.AnnotationRequestedAt]
	asked, err := time.Parse(time.RFC3339, first)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(asked).To(BeTemporally("~", time.Now(), 2*time.Minute))
	g.Eventually(func() string { // a second later, again
		run("livepeer-sync", source.Name)
		g.Expect(c.Get(t.Context(), key, source)).To(Succeed())
		return source.Annotations[v1alpha1.AnnotationRequestedAt]
	}, time.Minute).ShouldNot(Equal(first))

	g.Expect(run("livepeer-show", task)).To(And(ContainSubstring("upload "+task), ContainSubstring("https://example.com/index.m3u8")))
	g.Expect(run("livepeer-open", task)).To(Equal("opened https://example.com/index.m3u8\n"))
	g.Expect(run("livepeer-open", unplayed)).To(And(Not(ContainSubstring("opened")), Not(BeEmpty())), "why there is none")
	for _, plugin := range []string{"livepeer-suspend", "livepeer-resume", "livepeer-sync", "livepeer-show", "livepeer-open"} {
		g.Expect(run(plugin, "no-such")).To(ContainSubstring("no-such"), "k9s shows output, and no error, of %s", plugin)
	}
}

// pluginTools returns a folder with what plugins run: kubectl, the kubectl plugin, and a browser that says what it was to open.
func pluginTools(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../cmd/kubectl-livepeer", "-o", filepath.Join(dir, "kubectl-livepeer"), ".")
	out, err := build.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", out)
	g.Expect(os.Symlink(cluster.Kubectl(), filepath.Join(dir, "kubectl"))).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\necho opened \"$@\"\n"), 0o700)).To(Succeed())
	return dir
}

// k9sPlugins returns a function that runs a plugin's command as k9s does, with its variables filled in, and returns what it prints.
func k9sPlugins(t *testing.T, namespace string) func(plugin, name string) string {
	t.Helper()
	g := NewWithT(t)
	dir := pluginTools(t)
	kubeconfig := filepath.Join(dir, "with a space", "kubeconfig")
	g.Expect(os.Mkdir(filepath.Dir(kubeconfig), 0o700)).To(Succeed())
	g.Expect(controlplane.WriteKubeconfig(kubeconfig, cluster.Config(), "elsewhere")).To(Succeed())
	context, err := exec.CommandContext(t.Context(), cluster.Kubectl(), "--kubeconfig="+kubeconfig, "config", "current-context").Output()
	g.Expect(err).NotTo(HaveOccurred())

	var plugins struct {
		Plugins map[string]struct {
			Command string
			Args    []string
		}
	}
	k9sFile(t, "plugins.yaml", &plugins)
	return func(plugin, name string) string {
		g.Expect(plugins.Plugins).To(HaveKey(plugin))
		variables := strings.NewReplacer("$KUBECONFIG", kubeconfig, "$CONTEXT", strings.TrimSpace(string(context)),
			"$NAMESPACE", namespace, "$NAME", name)
		var args []string
		for _, arg := range plugins.Plugins[plugin].Args {
			args = append(args, variables.Replace(arg))
		}
		cmd := exec.CommandContext(t.Context(), plugins.Plugins[plugin].Command, args...)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "KUBECONFIG=", "HOME="+dir)
		out, err := cmd.Output()
		g.Expect(err).NotTo(HaveOccurred(), plugin)
		return string(out)
	}
}
