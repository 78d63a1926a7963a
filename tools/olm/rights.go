// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// permissions are the rules that bindings give to the operator's ServiceAccount: RoleBindings where cluster is empty, which OLM makes
// anew in each namespace that the operator is installed for, or ClusterRoleBindings.
func permissions(rendered objects, cluster, account string) ([]v1alpha1.StrategyDeploymentPermissions, error) {
	given := v1alpha1.StrategyDeploymentPermissions{ServiceAccountName: account}
	for _, object := range rendered.of(cluster + "RoleBinding") {
		binding := &rbacv1.RoleBinding{} // a ClusterRoleBinding has the same fields
		if err := read(object, binding); err != nil {
			return nil, err
		}
		if len(binding.Subjects) != 1 || binding.Subjects[0].Name != account {
			return nil, fmt.Errorf("%s %s: OLM gives rights to the ServiceAccount %s only", object.GetKind(), object.GetName(), account)
		}
		roles := rendered.of(binding.RoleRef.Kind)
		at := slices.IndexFunc(roles, func(role *unstructured.Unstructured) bool { return role.GetName() == binding.RoleRef.Name })
		if at < 0 {
			return nil, fmt.Errorf("%s %s: there is no %s %s",
				object.GetKind(), object.GetName(), binding.RoleRef.Kind, binding.RoleRef.Name)
		}
		role := &rbacv1.ClusterRole{} // likewise
		if err := read(roles[at], role); err != nil {
			return nil, err
		}
		given.Rules = append(given.Rules, role.Rules...)
	}
	return []v1alpha1.StrategyDeploymentPermissions{given}, nil
}

// besideCSV are the objects that a bundle holds as they are. What OLM makes itself is not among them, nor what it takes from nobody,
// which is in config/olm. A kind that nobody has thought of is an error, so that nothing gets lost.
func besideCSV(rendered objects) (objects, error) {
	var beside objects
	bound := map[string]bool{}
	for _, binding := range rendered.of("ClusterRoleBinding") {
		role, _, err := unstructured.NestedString(binding.Object, "roleRef", "name")
		if err != nil {
			return nil, err
		}
		bound[role] = true
	}
	for _, object := range rendered {
		switch kind := object.GetKind(); kind {
		case "CustomResourceDefinition", "Service":
			beside = append(beside, object)
		case "ClusterRole":
			if !bound[object.GetName()] {
				beside = append(beside, object)
			}
		case "ClusterServiceVersion", "Deployment", "ServiceAccount", "Namespace", "Role", "RoleBinding", "ClusterRoleBinding":
		case "FlowSchema", "NetworkPolicy", "PriorityLevelConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding":
		default:
			return nil, fmt.Errorf("nobody says in tools/olm what becomes of a %s", kind)
		}
	}
	return beside, nil
}
