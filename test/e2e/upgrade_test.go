// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// An upgrade keeps every object as it is: not one is deleted, made anew or even written. It starts from each release whose
// install.yaml is kept in testdata/releases, with the image under test, since an old one can't be had everywhere. Until
// there is one, it starts from today's manifests with another argument, which replaces the pod as an upgrade does.
func TestUpgrade(t *testing.T) {
	e := begin(t)
	kept, err := filepath.Glob("testdata/releases/*/install.yaml")
	e.g.Expect(err).NotTo(HaveOccurred())
	if len(kept) == 0 {
		t.Log("no release is kept yet: upgrading from today's manifests")
		e.upgrade("today", e.k("kustomize", e.overlay("config/default", anotherArgument)))
	}
	for _, file := range kept {
		text, err := os.ReadFile(file)
		e.g.Expect(err).NotTo(HaveOccurred())
		release := filepath.Base(filepath.Dir(file))
		name, _, _ := strings.Cut(e.manifestImage(), ":v")
		e.upgrade(release, strings.ReplaceAll(string(text), name+":"+release, e.image))
	}
}

const anotherArgument = `patches:
- target: {kind: Deployment}
  patch: |-
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--zap-log-level=debug"}`

func (e *suite) upgrade(from, manifests string) {
	e.t.Helper()
	e.uninstall()
	e.apply(manifests, "apply", "-f", "-")
	e.installedNow("release " + from)
	e.rolledOut()
	a := e.account("upgrade", 100, "0.0001")
	a.source()
	a.set(`"interval": "1s"`)
	a.connect()
	a.caughtUp()
	old := e.pods()[0].Name
	before := a.versions()

	e.k("apply", "-f", e.installer())
	e.installedNow(string(asInstaller))
	e.rolledOut()
	e.g.Eventually(e.leader).ShouldNot(Or(BeEmpty(), Equal(old)))
	a.fullSync("upgraded")
	e.g.Expect(a.reason()).To(Equal("Synced"))
	e.g.Expect(a.versions()).To(Equal(before), "an upgrade writes nothing where nothing changed")
}

// versions returns what identifies each object, and each of its writes.
func (a *account) versions() map[string]string {
	a.t.Helper()
	tasks, err := a.tasks(a.t.Context())
	a.g.Expect(err).NotTo(HaveOccurred())
	versions := map[string]string{}
	for i := range tasks {
		versions[tasks[i].Name] = string(tasks[i].UID) + " " + tasks[i].ResourceVersion
	}
	return versions
}
