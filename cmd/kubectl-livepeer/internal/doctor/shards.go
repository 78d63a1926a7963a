// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// The operator's flags that say which sources it serves.
const (
	selectorFlag   = "watch-label-selector"
	namespacesFlag = "watch-namespaces"
)

// Served judges which of the operators serve a source. It says nothing where there is one, and it serves all.
func Served(s *v1alpha1.LivepeerTaskSource, operators []appsv1.Deployment) []Check {
	var by, others []string
	c := Check{Level: OK, What: "source " + s.Name}
	for i := range operators {
		d := &operators[i]
		name, selector, namespaces := d.Namespace+"/"+d.Name, flagOf(d, selectorFlag), namespacesOf(d)
		switch {
		case !selects(selector, s):
			others = append(others, selector)
			c.Next = fmt.Sprintf("kubectl -n %s label livepeertasksource %s with what one of them selects (docs/shards.md)",
				s.Namespace, s.Name)
		case len(namespaces) > 0 && !slices.Contains(namespaces, s.Namespace):
			others = append(others, name+", which works in the namespaces "+strings.Join(namespaces, ", ")+" only")
			c.Next = cmp.Or(c.Next, "install one there, or add "+s.Namespace+" to --watch-namespaces (docs/rights.md)")
		default:
			by = append(by, name)
		}
	}
	switch {
	case len(operators) == 0 || len(operators) == 1 && len(by) == 1 && flagOf(&operators[0], selectorFlag) == "":
		return nil
	case len(by) == 0:
		c.Level, c.Finding = Fail, "no operator serves it: it is not selected by "+strings.Join(others, "; ")
	case len(by) == 1:
		c.Finding, c.Next = "served by "+by[0], ""
	default:
		c.Level, c.Finding = Fail, "served by "+strings.Join(by, " and ")+", which write against each other"
		c.Next = "remove all but one, or give each a --watch-label-selector or --watch-namespaces of its own (docs/shards.md)"
	}
	return []Check{c}
}

// selects reports whether a selector of sources matches one. An operator whose selector is none does not run.
func selects(selector string, s *v1alpha1.LivepeerTaskSource) bool {
	parsed, err := labels.Parse(selector)
	return err == nil && parsed.Matches(labels.Set(s.Labels))
}

// namespacesOf are those that an operator works in; none where it works in all.
func namespacesOf(d *appsv1.Deployment) []string {
	return strings.FieldsFunc(flagOf(d, namespacesFlag), func(r rune) bool { return r == ',' || r == ' ' })
}

// flagOf is the value of a flag of the operator, in any form that Go allows: -flag=value, --flag=value, or the value as an argument of
// its own. It is empty where there is none.
func flagOf(d *appsv1.Deployment, flag string) (value string) {
	for i := range d.Spec.Template.Spec.Containers {
		c := &d.Spec.Template.Spec.Containers[i]
		if c.Name != "manager" {
			continue
		}
		for n, arg := range c.Args {
			name, given, whole := strings.Cut(arg, "=")
			if name != "-"+flag && name != "--"+flag {
				continue
			}
			if !whole && n+1 < len(c.Args) {
				given = c.Args[n+1]
			}
			value = expanded(given, d, c) // the last one counts
		}
	}
	return value
}

// expanded is an argument as the container gets it: $(NAME) stands for a variable of its environment, such as its namespace, or the
// annotation by which OLM says where an operator is to work.
func expanded(arg string, d *appsv1.Deployment, c *corev1.Container) string {
	for i := range c.Env {
		value := c.Env[i].Value
		if from := c.Env[i].ValueFrom; from != nil && from.FieldRef != nil {
			if value = d.Namespace; from.FieldRef.FieldPath != "metadata.namespace" {
				annotation := strings.TrimSuffix(strings.TrimPrefix(from.FieldRef.FieldPath, "metadata.annotations['"), "']")
				value = d.Spec.Template.Annotations[annotation]
			}
		}
		arg = strings.ReplaceAll(arg, "$("+c.Env[i].Name+")", value)
	}
	return arg
}
