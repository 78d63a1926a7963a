// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// The operator's flags that say which sources it serves.
const (
	selectorFlag   = "--watch-label-selector="
	namespacesFlag = "--watch-namespaces="
)

// Served judges which of several operators serve a source. It says nothing where no operator selects sources by label.
func Served(s *v1alpha1.LivepeerTaskSource, operators []appsv1.Deployment) []Check {
	var by, selectors []string
	for i := range operators {
		d := &operators[i]
		selector := flagOf(d, selectorFlag)
		if selector != "" {
			selectors = append(selectors, selector)
		}
		if serves(d, selector, s) {
			by = append(by, d.Namespace+"/"+d.Name)
		}
	}
	if len(selectors) == 0 {
		return nil
	}
	c := Check{Level: OK, What: "source " + s.Name}
	switch len(by) {
	case 0:
		c.Level, c.Finding = Fail, "no operator serves it: its labels match none of "+strings.Join(selectors, "; ")
		c.Next = fmt.Sprintf("kubectl -n %s label livepeertasksource %s with what one of them selects (docs/shards.md)",
			s.Namespace, s.Name)
	case 1:
		c.Finding = "served by " + by[0]
	default:
		c.Level, c.Finding = Fail, "served by "+strings.Join(by, " and ")+", which write against each other"
		c.Next = "let --watch-label-selector of only one of them match it (docs/shards.md)"
	}
	return []Check{c}
}

// serves reports whether an operator with this selector serves a source. One whose selector is none does not run.
func serves(d *appsv1.Deployment, selector string, s *v1alpha1.LivepeerTaskSource) bool {
	selects, err := labels.Parse(selector)
	if err != nil || !selects.Matches(labels.Set(s.Labels)) {
		return false
	}
	namespaces := strings.ReplaceAll(flagOf(d, namespacesFlag), "$(POD_NAMESPACE)", d.Namespace)
	return namespaces == "" || slices.Contains(strings.Split(strings.ReplaceAll(namespaces, " ", ""), ","), s.Namespace)
}

// flagOf is the value of a flag of the operator; empty where it has none.
func flagOf(d *appsv1.Deployment, flag string) string {
	value := ""
	for i := range d.Spec.Template.Spec.Containers {
		if c := &d.Spec.Template.Spec.Containers[i]; c.Name == "manager" {
			for _, arg := range c.Args {
				if given, ok := strings.CutPrefix(arg, flag); ok {
					value = given // the last one counts
				}
			}
		}
	}
	return value
}
