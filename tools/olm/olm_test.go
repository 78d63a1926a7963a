// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const root = "../.."

// bundle makes a bundle and returns its folder.
func bundle(t *testing.T, image string) string {
	t.Helper()
	withKubectl(t)
	dir := filepath.Join(t.TempDir(), "bundle")
	NewWithT(t).Expect(run(t.Context(), root, image, dir)).To(Succeed())
	return dir
}

func withKubectl(t *testing.T) {
	t.Helper()
	assets := cmp.Or(os.Getenv("KUBEBUILDER_ASSETS"), filepath.Join(root, "bin", "controlplane"))
	t.Setenv("KUBECTL", filepath.Join(assets, "kubectl"))
}

func load(t *testing.T, dir string) *manifests.Bundle {
	t.Helper()
	loaded, err := manifests.GetBundleFromDir(dir)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return loaded
}

func rendered(t *testing.T, dir string) objects {
	t.Helper()
	withKubectl(t)
	all, err := render(t.Context(), filepath.Join(root, "config", dir))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return all
}

// rulesOf are those of all Roles and ClusterRoles with such names.
func rulesOf(t *testing.T, all objects, names ...string) (rules []rbacv1.PolicyRule) {
	t.Helper()
	for _, object := range append(all.of("Role"), all.of("ClusterRole")...) {
		if slices.Contains(names, strings.TrimPrefix(object.GetName(), name+"-")) {
			role := &rbacv1.ClusterRole{}
			NewWithT(t).Expect(read(object, role)).To(Succeed())
			rules = append(rules, role.Rules...)
		}
	}
	return rules
}

// TestOLMInstallsWhatOthersDo: the same Deployment, but for the namespaces that OLM chooses, and the same rights. In single
// namespaces it has there what config/namespaced gives.
func TestOLMInstallsWhatOthersDo(t *testing.T) {
	g := NewWithT(t)
	csv := load(t, bundle(t, "")).CSV
	strategy := csv.Spec.InstallStrategy.StrategySpec
	g.Expect(strategy.DeploymentSpecs).To(HaveLen(1))
	byDefault := rendered(t, "default")
	deployment := &appsv1.Deployment{}
	g.Expect(byDefault.only("Deployment", deployment)).To(Succeed())
	got := strategy.DeploymentSpecs[0].Spec
	container := &got.Template.Spec.Containers[0]
	args, env := len(container.Args)-1, len(container.Env)-1
	g.Expect(container.Args[args]).To(Equal("--watch-namespaces=$(TARGET_NAMESPACES)"))
	g.Expect(container.Env[env].Name).To(Equal("TARGET_NAMESPACES"))
	g.Expect(container.Env[env].ValueFrom.FieldRef.FieldPath).To(Equal("metadata.annotations['olm.targetNamespaces']"))
	container.Args, container.Env = container.Args[:args], container.Env[:env]
	g.Expect(got).To(Equal(deployment.Spec))
	g.Expect(strategy.DeploymentSpecs[0].Name).To(Equal(deployment.Name))

	g.Expect(strategy.Permissions).To(HaveLen(1))
	g.Expect(strategy.Permissions[0].Rules).To(ConsistOf(rulesOf(t, rendered(t, "namespaced"), "manager-role", "leader-election-role")))
	g.Expect(strategy.ClusterPermissions).To(HaveLen(1))
	g.Expect(append(strategy.Permissions[0].Rules, strategy.ClusterPermissions[0].Rules...)).To(ConsistOf(
		rulesOf(t, byDefault, "manager-role", "leader-election-role", "metrics-auth-role", "task-writer-role")))
	for _, given := range append(strategy.Permissions, strategy.ClusterPermissions...) {
		g.Expect(given.ServiceAccountName).To(Equal(got.Template.Spec.ServiceAccountName))
	}
}

// TestNothingIsLost: what config/default has is in the bundle, made by OLM, or in config/olm.
func TestNothingIsLost(t *testing.T) {
	g := NewWithT(t)
	there := map[string]bool{}
	names := func(all objects) (named []string) {
		for _, object := range all {
			named = append(named, object.GetKind()+" "+strings.TrimPrefix(object.GetName(), name+"-"))
		}
		return named
	}
	for _, object := range append(names(load(t, bundle(t, "")).Objects), names(rendered(t, "olm"))...) {
		there[object] = true
	}
	g.Expect(there).To(HaveKey("Service receiver"))
	g.Expect(there).To(HaveKey("NetworkPolicy controller-manager"))
	var byOLM []string
	for _, object := range names(rendered(t, "default")) {
		if !there[object] {
			byOLM = append(byOLM, object)
		}
	}
	g.Expect(byOLM).To(ConsistOf("Namespace system", "Deployment controller-manager",
		"ServiceAccount controller-manager", "Role leader-election-role", "RoleBinding leader-election-rolebinding",
		"ClusterRole manager-role", "ClusterRoleBinding manager-rolebinding", "ClusterRole metrics-auth-role",
		"ClusterRoleBinding metrics-auth-rolebinding", "ClusterRoleBinding task-writer-rolebinding"))
}

func TestImage(t *testing.T) {
	g := NewWithT(t)
	image := "registry.example.com:5000/operator:v9.9.9@sha256:" + strings.Repeat("0a", 32)
	csv := load(t, bundle(t, image)).CSV
	g.Expect(csv.Spec.InstallStrategy.StrategySpec.DeploymentSpecs[0].Spec.Template.Spec.Containers[0].Image).To(Equal(image))
	g.Expect(csv.Annotations).To(HaveKeyWithValue("containerImage", image))
	g.Expect(csv.Spec.RelatedImages).To(ConsistOf(v1alpha1.RelatedImage{Name: "manager", Image: image}))
	chart, err := os.ReadFile(filepath.Join(root, "charts", name, "Chart.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(chart)).To(ContainSubstring("\nversion: "+csv.Spec.Version.String()+"\n"), "the version is the project's, not the image's")
	g.Expect(string(chart)).To(ContainSubstring("\nkubeVersion: \">=" + csv.Spec.MinKubeVersion + "-0\"\n"))
	g.Expect(csv.Name).To(Equal(name + ".v" + csv.Spec.Version.String()))
}

// TestDescriptorsNameFields that there are, which the library does not look at.
func TestDescriptorsNameFields(t *testing.T) {
	g := NewWithT(t)
	b := load(t, bundle(t, ""))
	field := func(crd, path string) {
		for _, definition := range b.V1CRDs {
			if definition.Name != crd {
				continue
			}
			schema := *definition.Spec.Versions[0].Schema.OpenAPIV3Schema
			for step := range strings.SplitSeq(path, ".") {
				next, found := schema.Properties[step]
				g.Expect(found).To(BeTrue(), "%s has no %s", crd, path)
				schema = next
			}
			return
		}
		g.Expect(crd).To(BeEmpty(), "no CRD")
	}
	for _, owned := range b.CSV.Spec.CustomResourceDefinitions.Owned {
		for _, descriptor := range owned.SpecDescriptors {
			field(owned.Name, "spec."+descriptor.Path)
		}
		for _, descriptor := range owned.StatusDescriptors {
			field(owned.Name, "status."+descriptor.Path)
		}
	}
}

func TestTheSameAgain(t *testing.T) {
	g := NewWithT(t)
	one, two := bundle(t, ""), bundle(t, "")
	files := 0
	g.Expect(filepath.WalkDir(one, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		inside, err := filepath.Rel(one, path)
		g.Expect(err).NotTo(HaveOccurred())
		first, err := os.ReadFile(path)
		g.Expect(err).NotTo(HaveOccurred())
		second, err := os.ReadFile(filepath.Join(two, inside))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(second)).To(Equal(string(first)), inside)
		return nil
	})).To(Succeed())
	g.Expect(files).To(BeNumerically(">", 10))
}

// TestWrongBundlesAreRefused by the library, which make bundle asks.
func TestWrongBundlesAreRefused(t *testing.T) {
	const csv = "manifests/" + name + ".clusterserviceversion.yaml"
	for _, c := range []struct{ file, old, new, says string }{
		{csv, "capabilities: Deep Insights", "capabilities: Everything", "Everything"},
		{csv, "categories: Streaming", "categories: Watching", "Watching"},
		{csv, "supported: true", "supported: false", "none of InstallModeTypes are supported"},
		{csv, "minKubeVersion: 1.30.0", "minKubeVersion: 1.30.x", "1.30.x"},
		{csv, "version: 0.1.0", "version: 0.0.0", "Version must be set"},
		{csv, "mediatype: image/svg+xml", "mediatype: text/plain", "mediatype"},
		{csv, "email: ", "email: nobody at all ", "email"},
		{csv, `"kind": "LivepeerTaskSource"`, `"kind": "Other"`, "example must have a provided API"},
		{csv, "kind: LivepeerTask\n", "kind: Job\n", "not found in bundle"},
		{csv, "description: One task", "nothing: One task", "has an empty description"},
		{"metadata/annotations.yaml", "candidate", "nightly", "nightly"},
	} {
		t.Run(c.says, func(t *testing.T) {
			g := NewWithT(t)
			dir := bundle(t, "")
			file := filepath.Join(dir, c.file)
			text, err := os.ReadFile(file)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(text)).To(ContainSubstring(c.old))
			g.Expect(os.WriteFile(file, []byte(strings.ReplaceAll(string(text), c.old, c.new)), 0o600)).To(Succeed())
			g.Expect(check(dir)).To(MatchError(ContainSubstring(c.says)))
		})
	}
}

// TestWhatCanNotBeBundled is an error, and nothing is left out unsaid.
func TestWhatCanNotBeBundled(t *testing.T) {
	g := NewWithT(t)
	all, samples := rendered(t, "olm/bundle"), rendered(t, "samples")
	bundled := func(change func(object *unstructured.Unstructured)) error {
		var changed objects
		for _, object := range all {
			changed = append(changed, object.DeepCopy())
			change(changed[len(changed)-1])
		}
		_, err := bundleOf(changed, samples, nil, "")
		return err
	}
	g.Expect(bundled(func(*unstructured.Unstructured) {})).To(Succeed())
	for kind, c := range map[string]struct {
		path  []string
		value any
		says  string
	}{
		"Service":               {[]string{"kind"}, "Gateway", "what becomes of a Gateway"},
		"ClusterServiceVersion": {[]string{"spec", "maintainer"}, "me", `unknown field "spec.maintainer"`},
		"Deployment":            {[]string{"kind"}, "StatefulSet", "0 objects of kind Deployment"},
		"ClusterRoleBinding":    {[]string{"roleRef", "name"}, "other", "there is no ClusterRole other"},
		"RoleBinding":           {[]string{"subjects"}, []any{map[string]any{"kind": "ServiceAccount", "name": "other"}}, "OLM gives rights to"},
	} {
		g.Expect(bundled(func(object *unstructured.Unstructured) {
			if object.GetKind() == kind {
				g.Expect(unstructured.SetNestedField(object.Object, c.value, c.path...)).To(Succeed())
			}
		})).To(MatchError(ContainSubstring(c.says)), kind)
	}
	g.Expect(bundled(func(object *unstructured.Unstructured) {
		if object.GetKind() == "Deployment" {
			containers := []any{map[string]any{"name": "manager", "image": "operator:main"}}
			g.Expect(unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers")).To(Succeed())
		}
	})).To(MatchError(ContainSubstring("is no version")))
}
