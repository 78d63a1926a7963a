// SPDX-License-Identifier: Apache-2.0

// Package doctor judges what was found of an installation: a line for each check, with the next step. It is pure: who calls it finds the
// facts.
package doctor

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
)

// Level says how a check went.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Check is a line of the report.
type Check struct {
	Level   Level
	What    string
	Finding string
	Next    string // what to do; "" where nothing is
}

// String is the line.
func (c Check) String() string {
	line := fmt.Sprintf("%-4s  %s: %s", c.Level, c.What, c.Finding)
	if c.Next != "" {
		line = strings.TrimSuffix(line, ".") + "; " + c.Next
	}
	return line
}

// Failed reports whether any check failed.
func Failed(checks []Check) bool {
	for _, c := range checks {
		if c.Level == Fail {
			return true
		}
	}
	return false
}

const (
	// named bounds how many of something are named.
	named   = 3
	install = "install the operator: kubectl apply --server-side -f install.yaml (docs/install.md)"
)

// CRDs judges the CRDs: missing are the fields that they lack, err is why that can't be told.
func CRDs(installed bool, missing []string, err error) Check {
	c := Check{Level: OK, What: "CRDs", Finding: "installed, with every field that this plugin knows"}
	switch {
	case err != nil:
		c.Level, c.Finding, c.Next = Warn, "can't be looked at: "+err.Error(), "try again"
	case !installed:
		c.Level, c.Finding, c.Next = Fail, "not installed", install
	case len(missing) > 0:
		some := strings.Join(missing[:min(len(missing), named)], ", ")
		if len(missing) > named {
			some += fmt.Sprintf(" and %d more", len(missing)-named)
		}
		c.Level, c.Finding = Fail, "older than this plugin: they lack "+some
		c.Next = "apply the CRDs of the operator's latest release, and restart it"
	}
	return c
}

// Operator judges the operator's Deployments of the cluster; err is why they can't be looked for.
func Operator(deployments []appsv1.Deployment, err error) []Check {
	const what = "operator"
	switch {
	case err != nil:
		return []Check{{Warn, what, "can't be looked for: " + err.Error(), "ask somebody who may list Deployments"}}
	case len(deployments) == 0:
		return []Check{{Fail, what, "no Deployment of it in this cluster", install}}
	}
	var checks []Check
	for i := range deployments {
		d := &deployments[i]
		name := d.Namespace + "/" + d.Name
		want := int32(1)
		if d.Spec.Replicas != nil {
			want = *d.Spec.Replicas
		}
		c := Check{OK, what, fmt.Sprintf("%s, %d of %d replicas ready%s", name, d.Status.ReadyReplicas, want, image(d)), ""}
		switch {
		case want == 0:
			c.Level, c.Finding = Fail, name+" is scaled to 0"
			c.Next = fmt.Sprintf("kubectl -n %s scale deployment %s --replicas=1", d.Namespace, d.Name)
		case d.Status.ReadyReplicas == 0:
			c.Level = Fail
			c.Next = fmt.Sprintf("kubectl -n %[1]s describe pods, and kubectl -n %[1]s logs deployment/%[2]s", d.Namespace, d.Name)
		case d.Status.ReadyReplicas < want:
			c.Level, c.Next = Warn, fmt.Sprintf("kubectl -n %s describe deployment %s", d.Namespace, d.Name)
		}
		checks = append(checks, c)
	}
	return checks
}

func image(d *appsv1.Deployment) string {
	for i := range d.Spec.Template.Spec.Containers {
		if c := &d.Spec.Template.Spec.Containers[i]; c.Name == "manager" {
			return ", " + c.Image
		}
	}
	return ""
}

// Right is what the user may do, or may not.
type Right struct {
	Verb, Resource string
	Allowed        bool
	Needed         bool // without it, nothing works; else only some commands
}

// Rights judges what the user may do in a namespace.
func Rights(namespace string, rights []Right, err error) Check {
	c := Check{Level: OK, What: "your rights"}
	if err != nil {
		c.Level, c.Finding, c.Next = Warn, "can't be told: "+err.Error(), "kubectl auth can-i --list -n "+namespace
		return c
	}
	var may, mayNot []string
	for _, r := range rights {
		does := r.Verb + " " + r.Resource
		if r.Allowed {
			may = append(may, does)
			continue
		}
		mayNot = append(mayNot, does)
		if r.Needed {
			c.Level = Fail
		} else if c.Level == OK {
			c.Level = Warn
		}
	}
	c.Finding = "you may " + strings.Join(may, ", ") + " in " + namespace
	if len(mayNot) > 0 {
		c.Finding = "you may not " + strings.Join(mayNot, ", ") + " in " + namespace
		c.Next = "ask for the role view to look, edit to sync, suspend, resume and confirm"
	}
	return c
}

// NoSource says that nothing is mirrored into a namespace.
func NoSource(namespace string) Check {
	return Check{Warn, "sources", "none in " + namespace, "make one (docs/livepeertasksource.md), or name another namespace with -n"}
}
