// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// One version after the other is installed, each built from its commit, and then the present one: every object stays, and
// the source is well after each step. E2E_FROM names the commits, the oldest first.
func TestUpgradeAcrossVersions(t *testing.T) {
	e := begin(t)
	commits := strings.Fields(os.Getenv("E2E_FROM"))
	if len(commits) == 0 || os.Getenv("E2E_LOAD") == "" {
		t.Skip("SKIP: E2E_FROM is not set: commits to upgrade from, the oldest first; or E2E_LOAD, for their images")
	}
	images := map[string]string{}
	folders := map[string]string{}
	for _, commit := range commits {
		folders[commit] = e.checkout(commit)
		images[commit] = e.build(folders[commit], commit)
	}
	e.uninstall()
	var a *account
	var uids map[string]string
	for _, commit := range commits {
		old := e.in(t)
		e.k("apply", "--server-side", "-k", old.overlayOf(filepath.Join(folders[commit], "config", "default"), images[commit], ""))
		e.installedNow("commit " + commit)
		e.runs(images[commit])
		if a == nil {
			a = e.account("versions", 100, "0.0001")
			a.source()
			a.connect()
			a.caughtUp()
			uids = a.objectUIDs()
		}
		a.wellAs(commit, uids)
	}
	e.k("apply", "--server-side", "-f", e.installer())
	e.installedNow(string(asInstaller))
	e.runs(e.image)
	a.wellAs("present", uids)
	before := a.versions()
	a.fullSync("again")
	e.g.Expect(a.versions()).To(Equal(before), "what a version mirrors anew is written once")
}

// checkout returns a folder with the files of a commit.
func (e *suite) checkout(commit string) string {
	e.t.Helper()
	folder := e.t.TempDir()
	e.do("git archive \"$1\" | tar -x -C \"$2\"", commit, folder)
	return folder
}

// build makes the image of a folder's Dockerfile, gives it to the cluster and returns its name.
func (e *suite) build(folder, tag string) string {
	e.t.Helper()
	image, archive := "livepeer-task-operator.local/operator:"+tag, filepath.Join(e.t.TempDir(), "image.tar")
	e.do(`"$1" build -f "$6/Dockerfile" -t "$2" -build-arg VERSION="$3" -platform "linux/$4" -o "$5" "$6" && $E2E_LOAD "$5"`,
		filepath.Join(e.root, "bin", "dockerfile"), image, tag, runtime.GOARCH, archive, folder)
	return image
}

// do runs a command of the shell in the repository, with arguments.
func (e *suite) do(command string, args ...string) {
	e.t.Helper()
	cmd := exec.CommandContext(e.t.Context(), "/bin/sh", append([]string{"-ec", command, "sh"}, args...)...)
	cmd.Dir = e.root
	out, err := cmd.CombinedOutput()
	e.g.Expect(err).NotTo(HaveOccurred(), command+"\n"+string(out))
}

// runs waits until the operator is rolled out with an image, and leads.
func (e *suite) runs(image string) {
	e.t.Helper()
	e.rolledOut()
	pods := e.pods()
	e.g.Expect(pods).To(HaveLen(1))
	e.g.Expect(pods[0].Spec.Containers[0].Image).To(Equal(image))
	e.g.Eventually(e.leader).Should(Equal(pods[0].Name))
}

// wellAs checks, after a full sync, that the source is well and all objects are the ones that they were.
func (a *account) wellAs(version string, uids map[string]string) {
	a.t.Helper()
	a.fullSync(version)
	a.g.Eventually(a.reason).Should(Equal("Synced"))
	a.caughtUp()
	a.g.Expect(a.objectUIDs()).To(Equal(uids), version)
	wrong := a.k("-n", a.namespace, "get", "livepeertasksource", "main", "-o",
		`jsonpath={range .status.conditions[*]}{.type}={.status} {end}`)
	a.g.Expect(wrong).NotTo(ContainSubstring("Unknown"), version)
	a.g.Expect(wrong).NotTo(ContainSubstring("Stalled=True"), version)
}

// objectUIDs returns the UIDs of the account's source and tasks.
func (a *account) objectUIDs() map[string]string {
	a.t.Helper()
	uids := map[string]string{}
	out := a.k("-n", a.namespace, "get", "livepeertasksources,livepeertasks", "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid}{"\n"}{end}`)
	for line := range strings.Lines(out) {
		name, uid, _ := strings.Cut(strings.TrimSpace(line), " ")
		uids[name] = uid
	}
	return uids
}
