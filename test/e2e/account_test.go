// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// account is a simulated Studio in a namespace of its own, which is gone after the test.
type account struct {
	*suite
	namespace string
	key       string
	authority *authority
	args      []string // of the Studio
	port      string   // that it listens on
	studio    *http.Client
	url       string // of the Studio, from here
}

// account starts a Studio with that many tasks, whose time passes at that speed.
func (e *suite) account(name string, tasks int, speed string) *account {
	e.t.Helper()
	a := &account{suite: e, namespace: "e2e-" + name, key: "e2e-key-of-" + name, authority: newAuthority(e), port: "8443"}
	a.args = []string{
		"--listen=:8443", "--tls-cert=/tls/tls.crt", "--tls-key=/tls/tls.key", "--seed=7",
		fmt.Sprint("--tasks=", tasks), "--speed=" + speed,
	}
	e.k("delete", "namespace", a.namespace, "--ignore-not-found", "--timeout=90s") // of a run that was broken off
	e.leave("delete", "namespace", a.namespace, "--ignore-not-found", "--wait=false")
	a.startStudio()
	return a
}

// startStudio starts the Studio, or another one in its place where key or args have changed.
func (a *account) startStudio() {
	a.t.Helper()
	certificate, private := a.authority.issue(a.suite, "studio."+a.namespace+".svc")
	text, err := os.ReadFile("testdata/studio.yaml")
	a.g.Expect(err).NotTo(HaveOccurred())
	args := `["` + strings.Join(append(a.args, "--key="+a.key), `", "`) + `"]`
	a.apply(strings.NewReplacer("NAMESPACE", a.namespace, "IMAGE", a.peers, "ARGS", args,
		"PORT", a.port, "CERTIFICATE", base64.StdEncoding.EncodeToString(certificate), "PRIVATE", base64.StdEncoding.EncodeToString(private),
	).Replace(string(text)), "apply", "-f", "-")
	a.k("-n", a.namespace, "rollout", "status", "deployment/studio", "--timeout=60s")
}

// connect makes the Studio reachable from here.
func (a *account) connect() {
	a.t.Helper()
	port := a.forward(a.namespace, "service/studio", "443")
	a.studio = a.authority.client("studio." + a.namespace + ".svc")
	a.url = "https://127.0.0.1:" + port + "/api"
}

// forward forwards a port, as long as the test runs, and returns the one here.
func (e *suite) forward(namespace, target, port string) string {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	cmd := exec.CommandContext(ctx, e.kubectl, "-n", namespace, "port-forward", target, ":"+port)
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.StdoutPipe()
	e.g.Expect(err).NotTo(HaveOccurred())
	e.g.Expect(cmd.Start()).To(Succeed())
	e.t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was ended
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	e.g.Expect(err).NotTo(HaveOccurred(), failure.String())
	found := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindStringSubmatch(line)
	e.g.Expect(found).NotTo(BeNil(), line)
	return found[1]
}

// readme returns the blocks of code under a heading of the README.
func (e *suite) readme(heading string) []string {
	e.t.Helper()
	text, err := os.ReadFile(filepath.Join(e.root, "README.md"))
	e.g.Expect(err).NotTo(HaveOccurred())
	_, text, found := bytes.Cut(text, []byte("\n"+heading+"\n"))
	e.g.Expect(found).To(BeTrue(), heading)
	text, _, _ = bytes.Cut(text, []byte("\n## "))
	var blocks []string
	for _, block := range regexp.MustCompile("(?s)\n```[a-z]*\n(.*?)\n```\n").FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(block[1]))
	}
	return blocks
}

// source does what the README says about the first source: word for word, save that the Secret also holds the authority
// of the Studio's certificate, and that the source names its URL.
func (a *account) source() {
	a.t.Helper()
	a.shell("", a.sourceWithoutWaiting())
}

// sourceWithoutWaiting does so up to the waiting, and returns that.
func (a *account) sourceWithoutWaiting() (waiting string) {
	a.t.Helper()
	blocks := a.readme("## The first source")
	a.g.Expect(blocks).To(HaveLen(3), "the Secret, the source, the waiting")
	authority := filepath.Join(a.dir, "ca.crt")
	a.g.Expect(os.WriteFile(authority, a.authority.pem, 0o600)).To(Succeed())
	a.shell(a.key, blocks[0]+" --from-file=ca.crt="+authority)
	a.shell(blocks[1]+"\n  url: "+a.inside()+"\n", "kubectl apply -f -")
	return blocks[2]
}

// inside is the Studio's URL in the cluster.
func (a *account) inside() string { return "https://studio." + a.namespace + ".svc/api" }

// shell runs commands as a user would whose current namespace is the account's.
func (a *account) shell(stdin, commands string) {
	a.t.Helper()
	own := filepath.Join(a.dir, "kubeconfig")
	text := a.k("config", "view", "--raw", "--flatten")
	a.g.Expect(os.WriteFile(own, []byte(text), 0o600)).To(Succeed())
	a.k("--kubeconfig="+own, "config", "set-context", "--current", "--namespace="+a.namespace)
	cmd := exec.CommandContext(a.t.Context(), "/bin/sh", "-ec", commands)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+own, "PATH="+a.dir+":"+os.Getenv("PATH"))
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	a.g.Expect(err).NotTo(HaveOccurred(), commands+"\n"+string(out))
}

// reason returns why the source is ready or not.
func (a *account) reason() (string, error) {
	return a.try("-n", a.namespace, "get", "livepeertasksource", "main", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].reason}`)
}

// message says so for people.
func (a *account) message() (string, error) {
	return a.try("-n", a.namespace, "get", "livepeertasksource", "main", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].message}`)
}

// set changes a field of the source's spec.
func (a *account) set(spec string) {
	a.t.Helper()
	a.k("-n", a.namespace, "patch", "livepeertasksource", "main", "--type=merge", "-p", `{"spec": {`+spec+`}}`)
}

// fullSync asks for one, by a word that was not used before, and waits for it. That the word was handled is the proof: two
// syncs may have the same time, which is of seconds.
func (a *account) fullSync(request string) {
	a.t.Helper()
	a.k("-n", a.namespace, "annotate", "--overwrite", "livepeertasksource", "main", "reconcile.studio.livepeer.org/requestedAt="+request)
	a.g.Eventually(func() (string, error) {
		return a.try("-n", a.namespace, "get", "livepeertasksource", "main", "-o", "jsonpath={.status.lastHandledReconcileAt}")
	}).Should(Equal(request))
}

// tasks returns the mirrored tasks.
func (a *account) tasks(ctx context.Context) ([]v1alpha1.LivepeerTask, error) {
	list := &v1alpha1.LivepeerTaskList{}
	err := a.client.List(ctx, list, inNamespace(a.namespace))
	return list.Items, err
}
