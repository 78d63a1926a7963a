// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// Deleting a namespace takes everything in it, also while the operator is not there to help.
func TestDeletedNamespace(t *testing.T) {
	e := begin(t)
	e.operator(asDefault)
	with := e.account("goes", 100, "10")
	with.source()
	with.k("delete", "namespace", with.namespace, "--timeout=90s")

	without := e.account("goes-alone", 100, "10")
	without.source()
	e.stop()
	without.k("delete", "namespace", without.namespace, "--timeout=90s")
	e.k("-n", systemNamespace, "scale", "deployment/"+deployment, "--replicas=1")
	e.rolledOut()
}

// stop stops the operator, and waits until its pods are gone.
func (e *suite) stop() {
	e.t.Helper()
	e.k("-n", systemNamespace, "scale", "deployment/"+deployment, "--replicas=0")
	e.k("-n", systemNamespace, "wait", "pod", "-l", "app.kubernetes.io/component=manager", "--for=delete", "--timeout=60s")
}

// Uninstalling leaves nothing: the cluster has the objects that it had before.
func TestUninstall(t *testing.T) {
	e := begin(t)
	e.uninstall()
	before := e.objects()
	e.operator(asHA)
	a := e.account("last", 50, "1")
	a.source()
	e.uninstall()
	a.k("delete", "namespace", a.namespace, "--timeout=90s")
	left := slices.DeleteFunc(e.objects(), func(name string) bool { return slices.Contains(before, name) })
	e.g.Expect(left).To(BeEmpty())
	_, err := e.try("get", "livepeertasks", "-A")
	e.g.Expect(err).To(MatchError(ContainSubstring("doesn't have a resource type")))
}

// objects names all objects of the cluster that do not belong to the cluster's own bookkeeping.
func (e *suite) objects() []string {
	e.t.Helper()
	kinds := strings.Fields(e.k("api-resources", "--verbs=list", "-o", "name"))
	kinds = slices.DeleteFunc(kinds, func(kind string) bool {
		return strings.HasPrefix(kind, "events") || strings.HasPrefix(kind, "leases") || strings.HasPrefix(kind, "endpoint") ||
			strings.HasSuffix(kind, ".metrics.k8s.io") || kind == "componentstatuses"
	})
	lines := strings.Split(e.k("get", strings.Join(kinds, ","), "-A", "--ignore-not-found", "--no-headers",
		"-o", "custom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name"), "\n")
	var names []string
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) == 3 && !strings.HasPrefix(fields[1], "kube-") && !strings.HasPrefix(fields[1], "e2e-") && !strings.HasPrefix(fields[2], "e2e-") {
			names = append(names, strings.Join(fields, " "))
		}
	}
	e.g.Expect(len(names)).To(BeNumerically(">", 20), "that can't be all")
	return names
}
