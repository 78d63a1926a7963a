// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

//go:embed rights.md.tmpl
var text string

// page makes docs/rights.md.
func page(ctx context.Context, kubectl, root string) ([]byte, error) {
	why := newReasons()
	tables := map[string]string{}
	for name, dir := range map[string]string{"Default": "config/default", "Namespaced": "config/namespaced"} {
		out, err := exec.CommandContext(ctx, kubectl, "kustomize", filepath.Join(root, dir)).Output()
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", dir, err)
		}
		roles, err := rolesIn(out)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", dir, err)
		}
		for _, who := range []string{operators, readers, people} {
			rows, err := rowsOf(roles, who, why)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", dir, err)
			}
			tables[name+who] = table(rows)
		}
		if name == "Namespaced" {
			if tables["Second"], err = secondNamespace(roles); err != nil {
				return nil, err
			}
		}
	}
	if unused := why.unused(); len(unused) > 0 {
		return nil, fmt.Errorf("reasons for rights that no manifest gives: %s", strings.Join(unused, ", "))
	}
	tmpl, err := template.New("rights.md").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, tables); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// rolesIn reads the Roles and ClusterRoles among rendered manifests.
func rolesIn(manifests []byte) ([]rbacv1.ClusterRole, error) {
	var roles []rbacv1.ClusterRole
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	for {
		role := rbacv1.ClusterRole{} // a Role has the same fields
		if err := decoder.Decode(&role); errors.Is(err, io.EOF) {
			return roles, nil
		} else if err != nil {
			return nil, err
		}
		if role.Kind == "Role" || role.Kind == "ClusterRole" {
			roles = append(roles, role)
		}
	}
}

// secondNamespace writes the Role and RoleBinding that an operator of the namespace media needs in the namespace events.
func secondNamespace(roles []rbacv1.ClusterRole) (string, error) {
	i := slices.IndexFunc(roles, func(role rbacv1.ClusterRole) bool { return role.Name == prefix+"manager-role" })
	if i < 0 {
		return "", errors.New("there is no manager-role")
	}
	var out strings.Builder
	fmt.Fprintf(&out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n"+
		"metadata: {namespace: events, name: %s}\nrules:\n", roles[i].Name)
	for _, rule := range roles[i].Rules {
		fmt.Fprintf(&out, "- {apiGroups: [\"%s\"], resources: [%s], verbs: [%s]}\n",
			strings.Join(rule.APIGroups, `", "`), strings.Join(rule.Resources, ", "), strings.Join(rule.Verbs, ", "))
	}
	fmt.Fprintf(&out, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n"+
		"metadata: {namespace: events, name: %[1]smanager-rolebinding}\n"+
		"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]smanager-role}\n"+
		"subjects:\n- {kind: ServiceAccount, namespace: media, name: %[1]scontroller-manager}", prefix)
	return out.String(), nil
}

func table(rows []row) string {
	var out strings.Builder
	out.WriteString("| role | where | resource | verbs | why |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", r.Role, r.Where, r.Resource, strings.Join(r.Verbs, ", "), r.Why)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
