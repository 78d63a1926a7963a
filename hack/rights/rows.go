// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Who a role is for.
const (
	operators = "Operator"
	readers   = "Readers"
	people    = "People"
)

// prefix is that of all names in config/default and config/namespaced.
const prefix = "livepeer-task-operator-"

// row is one line of a table: verbs of one role that are needed for one reason.
type row struct {
	Role, Where, Resource, Why string
	Verbs                      []string
}

// rowsOf lists the rights of all roles for somebody, in the order of the manifests.
func rowsOf(roles []rbacv1.ClusterRole, who string, why *reasons) ([]row, error) {
	var rows []row
	for _, role := range roles {
		if forWhom(&role) != who {
			continue
		}
		name := strings.TrimPrefix(role.Name, prefix)
		for _, rule := range role.Rules {
			for _, resource := range resources(&rule) {
				for _, verb := range rule.Verbs {
					if strings.Contains(resource+verb, "*") {
						return nil, fmt.Errorf("role %s has a wildcard: %s %s", role.Name, verb, resource)
					}
					reason, err := why.of(name, resource, verb)
					if err != nil {
						return nil, err
					}
					rows = add(rows, &row{Role: name, Where: where(&role), Resource: resource + named(&rule), Why: reason}, verb)
				}
			}
		}
	}
	return rows, nil
}

// add joins verbs of one resource that are needed for one reason.
func add(rows []row, one *row, verb string) []row {
	for i := range rows {
		if rows[i].Role == one.Role && rows[i].Resource == one.Resource && rows[i].Why == one.Why {
			rows[i].Verbs = append(rows[i].Verbs, verb)
			return rows
		}
	}
	one.Verbs = []string{verb}
	return append(rows, *one)
}

// where says how far a role reaches: an operator's as config/ binds it, anybody else's as somebody binds it.
func where(role *rbacv1.ClusterRole) string {
	switch {
	case forWhom(role) != operators:
		return "where bound"
	case role.Kind == "Role":
		return "own namespace"
	default:
		return "cluster"
	}
}

func forWhom(role *rbacv1.ClusterRole) string {
	for label := range role.Labels {
		if strings.HasPrefix(label, "rbac.authorization.k8s.io/aggregate-to-") {
			return people
		}
	}
	if strings.HasSuffix(role.Name, "metrics-reader") {
		return readers
	}
	return operators
}

func resources(rule *rbacv1.PolicyRule) []string {
	names := slices.Clone(rule.NonResourceURLs)
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			names = append(names, strings.TrimSuffix(resource+"."+group, "."))
		}
	}
	return names
}

func named(rule *rbacv1.PolicyRule) string {
	if len(rule.ResourceNames) == 0 {
		return ""
	}
	return " named " + strings.Join(rule.ResourceNames, ", ")
}

// reasons say why each right is needed, by role, resource and verb; or by role alone.
type reasons struct {
	byRight map[string]string
	used    map[string]bool
}

func newReasons() *reasons {
	return &reasons{byRight: whys(), used: map[string]bool{}}
}

func (r *reasons) of(role, resource, verb string) (string, error) {
	for _, key := range []string{role + " " + resource + " " + verb, role} {
		if why, ok := r.byRight[key]; ok {
			r.used[key] = true
			return why, nil
		}
	}
	return "", fmt.Errorf("nobody says in hack/rights why the role %s has %s %s", role, verb, resource)
}

func (r *reasons) unused() []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(r.byRight)) {
		if !r.used[key] {
			keys = append(keys, key)
		}
	}
	return keys
}
