// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const (
	name    = "livepeer-task-operator"
	channel = "candidate"
	banner  = "# Generated from config/olm/bundle by make bundle.\n"
)

// annotations are those of the bundle itself: its image has them as labels.
var annotations = map[string]string{
	"operators.operatorframework.io.bundle.mediatype.v1":       "registry+v1",
	"operators.operatorframework.io.bundle.manifests.v1":       "manifests/",
	"operators.operatorframework.io.bundle.metadata.v1":        "metadata/",
	"operators.operatorframework.io.bundle.package.v1":         name,
	"operators.operatorframework.io.bundle.channels.v1":        channel,
	"operators.operatorframework.io.bundle.channel.default.v1": channel,
}

// bundleOf makes the files of the bundle, by their paths in it.
func bundleOf(rendered, samples objects, icon []byte, image string) (map[string][]byte, error) {
	csv := &v1alpha1.ClusterServiceVersion{}
	if err := rendered.only("ClusterServiceVersion", csv); err != nil {
		return nil, err
	}
	if err := install(csv, rendered, image); err != nil {
		return nil, err
	}
	csv.Spec.Icon = []v1alpha1.Icon{{Data: base64.StdEncoding.EncodeToString(icon), MediaType: "image/svg+xml"}}
	if err := annotate(csv, rendered, samples); err != nil {
		return nil, err
	}
	files := map[string][]byte{"bundle.Dockerfile": dockerfile()}
	text, err := yaml.Marshal(map[string]any{"annotations": annotations})
	if err != nil {
		return nil, err
	}
	files["metadata/annotations.yaml"] = append([]byte(banner), text...)
	if files["manifests/"+name+".clusterserviceversion.yaml"], err = withoutStatus(csv); err != nil {
		return nil, err
	}
	beside, err := besideCSV(rendered)
	if err != nil {
		return nil, err
	}
	for _, object := range beside {
		object.SetNamespace("") // OLM installs it where the operator is
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			return nil, err
		}
		files[fmt.Sprintf("manifests/%s.%s.yaml", object.GetName(), strings.ToLower(object.GetKind()))] = append([]byte(banner), text...)
	}
	return files, nil
}

// install says what OLM installs: the Deployment and its rights, with their version and image.
func install(csv *v1alpha1.ClusterServiceVersion, rendered objects, image string) error {
	deployment := &appsv1.Deployment{}
	if err := rendered.only("Deployment", deployment); err != nil {
		return err
	}
	container := &deployment.Spec.Template.Spec.Containers[0]
	_, version, _ := strings.Cut(container.Image, ":v")
	if err := csv.Spec.Version.UnmarshalJSON([]byte(`"` + version + `"`)); err != nil {
		return fmt.Errorf("the tag of %s is no version: %w", container.Image, err)
	}
	csv.Name += ".v" + version
	if image != "" {
		container.Image = image
	}
	csv.Annotations["containerImage"] = container.Image
	csv.Spec.RelatedImages = []v1alpha1.RelatedImage{{Name: container.Name, Image: container.Image}}
	csv.Spec.InstallStrategy.StrategyName = v1alpha1.InstallStrategyNameDeployment
	strategy := &csv.Spec.InstallStrategy.StrategySpec
	strategy.DeploymentSpecs = []v1alpha1.StrategyDeploymentSpec{{
		Name: deployment.Name, Label: deployment.Labels, Spec: deployment.Spec,
	}}
	account := deployment.Spec.Template.Spec.ServiceAccountName
	var err error
	if strategy.Permissions, err = permissions(rendered, "", account); err != nil {
		return err
	}
	strategy.ClusterPermissions, err = permissions(rendered, "Cluster", account)
	return err
}

// annotate adds what a console shows or offers: the samples, and the namespace to install into.
func annotate(csv *v1alpha1.ClusterServiceVersion, rendered, samples objects) error {
	var examples []any
	for _, owned := range csv.Spec.CustomResourceDefinitions.Owned {
		for _, sample := range samples.of(owned.Kind) {
			examples = append(examples, sample.Object)
		}
	}
	text, err := json.MarshalIndent(examples, "", "  ")
	if err != nil {
		return err
	}
	csv.Annotations["alm-examples"] = string(text)
	namespace := &corev1.Namespace{}
	if err := rendered.only("Namespace", namespace); err != nil {
		return err
	}
	if text, err = json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace.Name, "labels": namespace.Labels},
	}); err != nil {
		return err
	}
	csv.Annotations["operatorframework.io/suggested-namespace"] = namespace.GetName()
	csv.Annotations["operatorframework.io/suggested-namespace-template"] = string(text)
	return nil
}

// withoutStatus is a ClusterServiceVersion as people write one.
func withoutStatus(csv *v1alpha1.ClusterServiceVersion) ([]byte, error) {
	text, err := json.Marshal(csv)
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, err
	}
	delete(object, "status")
	text, err = yaml.Marshal(object)
	return append([]byte(banner), text...), err
}

// dockerfile packs the bundle as an image, from its folder.
func dockerfile() []byte {
	var text bytes.Buffer
	text.WriteString(banner + "FROM scratch\n")
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		fmt.Fprintf(&text, "LABEL %s=%s\n", key, annotations[key])
	}
	text.WriteString("COPY manifests /manifests/\nCOPY metadata /metadata/\n")
	return text.Bytes()
}
