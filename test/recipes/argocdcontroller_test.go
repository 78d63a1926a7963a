// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

var applications = schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"}

// argoCluster has Argo CD as its install.yaml installs it, each process with the rights of its own ServiceAccount, and a git repository.
type argoCluster struct {
	gitopsCluster
	binary     string
	roles      string // folder of the binary under the names that give it its roles
	repository string // folder
	server     string // address of argocd-server
	login      string // file of the command line's session
}

func newArgoCluster(t *testing.T) *argoCluster {
	t.Helper()
	binary := tool(t, "argocd")
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not there; on Debian: apt-get install redis-server")
	}
	a := &argoCluster{
		gitopsCluster: newGitopsCluster(t), binary: binary, roles: t.TempDir(), repository: filepath.Join(t.TempDir(), "fleet"),
		server: "127.0.0.1:" + freePort(t), login: filepath.Join(t.TempDir(), "config"),
	}
	a.install(filepath.Join(filepath.Dir(binary), "install.yaml"))
	t.Setenv("ARGOCD_FAKE_IN_CLUSTER", "true") // https://kubernetes.default.svc is the cluster of KUBECONFIG
	t.Setenv("ARGOCD_GPG_ENABLED", "false")    // whose folder would be in /app
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("PATH", filepath.Dir(binary)+":"+os.Getenv("PATH")) // kustomize, and a script

	cache, manifests := "127.0.0.1:"+freePort(t), freePort(t)
	a.start(redis, "--bind", "127.0.0.1", "--port", strings.TrimPrefix(cache, "127.0.0.1:"), "--save", "", "--dir", t.TempDir())
	a.role("argocd-repo-server", "--address=127.0.0.1", "--port="+manifests, "--metrics-port="+freePort(t), "--redis="+cache)
	shared := []string{"--redis=" + cache, "--repo-server=127.0.0.1:" + manifests, "--metrics-port=" + freePort(t)}
	a.role("argocd-server", append(shared, "--insecure", "--address=127.0.0.1", "--port="+strings.TrimPrefix(a.server, "127.0.0.1:"))...)
	a.logIn()
	shared[len(shared)-1] = "--metrics-port=" + freePort(t)
	a.role("argocd-application-controller", shared...)
	return a
}

// install applies Argo CD's own manifests but for the pods, and what the page says of its configuration as the page does.
func (a *argoCluster) install(manifests string) {
	a.t.Helper()
	file, err := os.Open(manifests)
	a.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	newNamespace(a.t, a, "argocd")
	for decoder := yaml.NewYAMLOrJSONDecoder(file, 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			a.t.Fatal(err)
		}
		if slices.Contains([]string{"Deployment", "StatefulSet", "NetworkPolicy"}, object.GetKind()) {
			continue
		}
		if namespaced, err := a.IsObjectNamespaced(object); err != nil || namespaced {
			a.Expect(err).NotTo(HaveOccurred())
			object.SetNamespace("argocd")
		}
		a.Expect(a.plane.Apply(a.t.Context(), object)).To(Succeed(), object.GetName())
	}
	a.Eventually(func() error {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(applications)
		return a.List(a.t.Context(), list)
	}, gitopsBound).Should(Succeed())
	a.configure(pages(a.t)["argocd.md"][0])
}

// configure does what kubectl patch --patch-file does.
func (a *argoCluster) configure(patch *unstructured.Unstructured) {
	a.t.Helper()
	raw, err := json.Marshal(patch)
	a.Expect(err).NotTo(HaveOccurred())
	target := &corev1.ConfigMap{}
	target.Namespace, target.Name = patch.GetNamespace(), patch.GetName()
	a.Expect(a.Patch(a.t.Context(), target, client.RawPatch(types.StrategicMergePatchType, raw))).To(Succeed())
}

// role runs Argo CD's binary in one of its roles, with the rights of that role.
func (a *argoCluster) role(name string, args ...string) {
	a.t.Helper()
	account, err := a.plane.ServiceAccountConfig(a.t.Context(), "argocd", name)
	a.Expect(err).NotTo(HaveOccurred())
	kubeconfig := filepath.Join(a.t.TempDir(), "kubeconfig")
	a.Expect(controlplane.WriteKubeconfig(kubeconfig, account, "argocd")).To(Succeed())
	a.t.Setenv("KUBECONFIG", kubeconfig)
	path := filepath.Join(a.roles, name)
	a.Expect(os.Symlink(a.binary, path)).To(Succeed())
	a.start(path, args...)
}

func (a *argoCluster) start(path string, args ...string) {
	a.t.Helper()
	startTool(a.t, path, args...)
}

// logIn waits for argocd-server, and makes the command line an administrator.
func (a *argoCluster) logIn() {
	a.t.Helper()
	first := &corev1.Secret{}
	key := client.ObjectKey{Namespace: "argocd", Name: "argocd-initial-admin-secret"}
	a.Eventually(func() error { return a.Get(a.t.Context(), key, first) }, gitopsBound, time.Second).Should(Succeed())
	a.Eventually(func() error {
		_, err := a.try("login", a.server, "--username=admin", "--password="+string(first.Data["password"]))
		return err
	}, gitopsBound, time.Second).Should(Succeed())
}

// argocd runs Argo CD's command line.
func (a *argoCluster) argocd(args ...string) string {
	a.t.Helper()
	out, err := a.try(args...)
	a.Expect(err).NotTo(HaveOccurred(), out)
	return out
}

func (a *argoCluster) try(args ...string) (string, error) {
	cmd := exec.CommandContext(a.t.Context(), a.binary, append(args, "--plaintext", "--config="+a.login)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return said.String(), errors.New(err.Error() + ": " + said.String())
	}
	return string(out), nil
}

// in is the same cluster for a part of the test.
func (a *argoCluster) in(t *testing.T) *argoCluster {
	t.Helper()
	part := *a
	part.t, part.Gomega = t, NewWithT(t)
	return &part
}

// commit commits sources.
func (a *argoCluster) commit(url, more string, names ...string) {
	a.t.Helper()
	a.writeSources(filepath.Join(a.repository, "media"), url, more, names...)
	a.git(a.repository, "add", "--all")
	a.git(a.repository, "commit", "--quiet", "--message=sources")
}

func (a *argoCluster) application(name string) *unstructured.Unstructured {
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(applications)
	a.Expect(a.Get(a.t.Context(), client.ObjectKey{Namespace: "argocd", Name: name}, stored)).To(Succeed())
	return stored
}

// status is a text in an Application's status.
func (a *argoCluster) status(name string, path ...string) string {
	text, _, err := unstructured.NestedString(a.application(name).Object, append([]string{"status"}, path...)...)
	a.Expect(err).NotTo(HaveOccurred())
	return text
}

// state is what Argo CD shows of an Application.
func (a *argoCluster) state(name string) string {
	return a.status(name, "sync", "status") + " " + a.status(name, "health", "status")
}

// refresh has Argo CD read git and compare anew, as the button does. Answered is the annotation's removal.
func (a *argoCluster) refresh(name string) {
	a.t.Helper()
	a.patch(name, `{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"hard"}}}`)
	a.Eventually(func() map[string]string { return a.application(name).GetAnnotations() }, gitopsBound).
		ShouldNot(HaveKey("argocd.argoproj.io/refresh"))
}

func (a *argoCluster) patch(name, patch string) {
	a.t.Helper()
	a.Expect(a.Patch(a.t.Context(), a.application(name), client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// versions are the resource versions of what an Application applied.
func (a *argoCluster) versions(name string) map[string]string {
	a.t.Helper()
	entries, _, err := unstructured.NestedSlice(a.application(name).Object, "status", "resources")
	a.Expect(err).NotTo(HaveOccurred())
	versions := map[string]string{}
	for _, entry := range entries {
		text := func(key string) string { s, _ := entry.(map[string]any)[key].(string); return s }
		applied := &unstructured.Unstructured{}
		applied.SetGroupVersionKind(schema.GroupVersionKind{Group: text("group"), Version: text("version"), Kind: text("kind")})
		a.Expect(a.Get(a.t.Context(), client.ObjectKey{Namespace: text("namespace"), Name: text("name")}, applied)).To(Succeed())
		versions[text("kind")+" "+text("name")] = applied.GetResourceVersion()
	}
	return versions
}

// node is an object in an Application's tree.
type node struct {
	Kind, Name string
	ParentRefs []struct{ Kind, Name string }
	Health     struct{ Status string }
}

// tree is what the UI draws of an Application.
func (a *argoCluster) tree(name string) (tasks []node) {
	file, err := os.ReadFile(a.login)
	a.Expect(err).NotTo(HaveOccurred())
	_, token, _ := strings.Cut(string(file), "auth-token: ")
	token, _, _ = strings.Cut(token, "\n")
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, "http://"+a.server+"/api/v1/applications/"+name+"/resource-tree", http.NoBody)
	a.Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	a.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	a.Expect(err).NotTo(HaveOccurred())
	a.Expect(answer.StatusCode).To(Equal(http.StatusOK), string(body))
	var tree struct{ Nodes []node }
	a.Expect(json.Unmarshal(body, &tree)).To(Succeed())
	return slices.DeleteFunc(tree.Nodes, func(n node) bool { return n.Kind != "LivepeerTask" })
}
