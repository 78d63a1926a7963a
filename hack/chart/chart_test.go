// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// What make manifests writes into the chart is there, and nothing else.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	g := NewWithT(t)
	root := rootOf(t)
	want, err := generate(t.Context(), controlplane.KubectlFor(root), root)
	g.Expect(err).NotTo(HaveOccurred())
	var found []string
	for _, dir := range []string{crdDir, generatedDir} {
		entries, err := os.ReadDir(filepath.Join(root, chartDir, dir))
		g.Expect(err).NotTo(HaveOccurred())
		for _, entry := range entries {
			found = append(found, filepath.Join(dir, entry.Name()))
		}
	}
	found = append(found, "README.md")
	g.Expect(found).To(ConsistOf(slices.Collect(maps.Keys(want))), "run make manifests")
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join(root, chartDir, name))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(got)).To(Equal(string(content)), "%s: run make manifests", name)
	}
}

// The chart installs what the kustomizations do, object by object.
func TestChartIsWhatKustomizationsAre(t *testing.T) {
	for name, test := range map[string]struct {
		values []string
		dirs   []string
	}{
		"default":    {dirs: []string{"config/default"}},
		"ha":         {values: []string{"--set", "replicaCount=2"}, dirs: []string{"config/ha"}},
		"prometheus": {values: []string{"--set", "prometheus.enabled=true"}, dirs: []string{"config/default", "config/prometheus"}},
		"grafana":    {values: []string{"--set", "prometheus.dashboard=true"}, dirs: []string{"config/default", "config/grafana"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			want := objects{}
			for _, dir := range test.dirs {
				maps.Copy(want, kustomization(t, dir))
			}
			got := chart(t, test.values...)
			forgive(t, want, got)
			g.Expect(slices.Sorted(maps.Keys(got))).To(Equal(slices.Sorted(maps.Keys(want))))
			for key := range want {
				g.Expect(got[key].Object).To(Equal(want[key].Object), key)
			}
		})
	}
}

// forgive takes away in what the chart may differ, and sees that it does: Helm's own labels, the annotation by which Helm
// keeps CRDs, and the Namespace, which helm install --create-namespace makes.
func forgive(t *testing.T, kustomized, charted objects) {
	t.Helper()
	g := NewWithT(t)
	delete(kustomized, "Namespace  "+namespace)
	for key, object := range charted {
		if object.GetKind() == "CustomResourceDefinition" {
			annotations := object.GetAnnotations()
			g.Expect(annotations).To(HaveKeyWithValue("helm.sh/resource-policy", "keep"), key)
			delete(annotations, "helm.sh/resource-policy")
			object.SetAnnotations(annotations)
			continue
		}
		labels := object.GetLabels()
		if labels == nil { // controller-gen gives its role none
			continue
		}
		g.Expect(labels).To(HaveKeyWithValue("app.kubernetes.io/managed-by", "Helm"), key)
		g.Expect(labels).To(HaveKeyWithValue("helm.sh/chart", HavePrefix("livepeer-task-operator-")), key)
		for _, label := range []string{"helm.sh/chart", "app.kubernetes.io/instance", "app.kubernetes.io/version"} {
			delete(labels, label)
		}
		labels["app.kubernetes.io/managed-by"] = "kustomize"
		object.SetLabels(labels)
	}
}

// Each value does what its comment says.
func TestValues(t *testing.T) {
	g := NewWithT(t)
	digest := "sha256:" + strings.Repeat("0a", 32)
	all := chart(t, "--set", "image.repository=registry.example.com/o,image.digest="+digest+",image.tag=ignored,image.pullSecrets[0].name=pull",
		"--set", `allowedHosts={*,studio.media.svc:80},watchNamespaces={media,video},env.HTTPS_PROXY=http://proxy:3128`,
		"--set", "replicaCount=3,priorityClassName=mine,nodeSelector.disk=ssd,tolerations[0].operator=Exists,resources.limits.memory=1Gi",
		"--set", "topologySpreadConstraints[0].maxSkew=1,topologySpreadConstraints[0].topologyKey=zone,topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
		"--set", "receiverConnectionsPerAddress=64,crds.keep=false,prometheus.enabled=true,prometheus.labels.release=stack")
	deployment := deploymentOf(t, all)
	pod := deployment.Spec.Template.Spec
	container := pod.Containers[0]
	g.Expect(deployment.Spec.Replicas).To(HaveValue(BeEquivalentTo(3)))
	g.Expect(container.Image).To(Equal("registry.example.com/o@" + digest))
	g.Expect(container.Args).To(ContainElements("--allowed-hosts=*,studio.media.svc:80", "--watch-namespaces=media,video",
		"--receiver-connections-per-address=64"))
	g.Expect(container.Env).To(ContainElement(And(HaveField("Name", "HTTPS_PROXY"), HaveField("Value", "http://proxy:3128"))))
	g.Expect(container.Env).To(ContainElement(HaveField("Name", "MEMORY_LIMIT")))
	g.Expect(container.Resources.Limits.Memory().String()).To(Equal("1Gi"))
	g.Expect(pod.PriorityClassName).To(Equal("mine"))
	g.Expect(pod.NodeSelector).To(Equal(map[string]string{"disk": "ssd"}))
	g.Expect(pod.Tolerations).To(HaveLen(1))
	g.Expect(pod.ImagePullSecrets).To(ConsistOf(HaveField("Name", "pull")))
	g.Expect(pod.TopologySpreadConstraints).To(ConsistOf(HaveField("TopologyKey", "zone")))
	g.Expect(pod.TopologySpreadConstraints[0].LabelSelector).To(Equal(deployment.Spec.Selector), "none would spread no pod")
	g.Expect(all.of("PriorityClass")).To(BeEmpty())
	g.Expect(all.of("PodDisruptionBudget")).To(HaveLen(1))
	for _, crd := range all.of("CustomResourceDefinition") {
		g.Expect(crd.GetAnnotations()).NotTo(HaveKey("helm.sh/resource-policy"))
	}
	for key := range kustomization(t, "config/prometheus") {
		g.Expect(all[key].GetLabels()).To(HaveKeyWithValue("release", "stack"), key)
	}

	selected := chart(t, "--set", "topologySpreadConstraints[0].labelSelector.matchLabels.team=video")
	g.Expect(deploymentOf(t, selected).Spec.Template.Spec.TopologySpreadConstraints).To(
		ConsistOf(HaveField("LabelSelector.MatchLabels", Equal(map[string]string{"team": "video"}))))
	g.Expect(deploymentOf(t, chart(t, "--set", "image.tag=v9")).Spec.Template.Spec.Containers[0].Image).To(HaveSuffix(":v9"))
	g.Expect(chart(t, "--set", "crds.install=false").of("CustomResourceDefinition")).To(BeEmpty())
}

// Nothing of a release points to the namespace of the kustomizations.
func TestNamespaceOfTheRelease(t *testing.T) {
	g := NewWithT(t)
	out, err := helm(t.Context(), t, "template", release, chartDir, "--namespace", "elsewhere", "--set", "replicaCount=2,prometheus.enabled=true")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).NotTo(ContainSubstring(namespace))
	for key, object := range parse(t, out) {
		g.Expect(object.GetNamespace()).To(Or(BeEmpty(), Equal("elsewhere")), key)
	}
}

// A typo, or a value of another kind, is an error that names it.
func TestWrongValuesAreRefused(t *testing.T) {
	g := NewWithT(t)
	for value, message := range map[string]string{
		"replicas=2":               "replicas",
		"image.tga=v1":             "tga",
		"image.digest=sha256:abc":  "digest",
		"replicaCount=two":         "replicaCount",
		"crds.install=maybe":       "install",
		"allowedHosts=example.com": "allowedHosts",
		"env.POD_IP=10.0.0.1":      "/env/POD_IP",
		"env.MEMORY_LIMIT=1":       "/env/MEMORY_LIMIT",

		"image.pullPolicy=Sometimes":            "pullPolicy",
		"log.level=loud":                        "level",
		"log.format=xml":                        "format",
		"extraArgs={leader-elect}":              "extraArgs",
		"extraEnv[0].name=POD_IP":               "extraEnv",
		"networkPolicy.egressPorts={http}":      "egressPorts",
		"receiver.ingress.enabled=true":         "receiver.host is needed for the Ingress",
		"receiver.httpRoute.enabled=true":       "receiver.httpRoute.parentRefs is needed",
		"serviceAccount.annotation.a=b":         "annotation",
		"certificates.certManager.issuer=x":     "issuer",
		"certificates.certManager.enabled=true": "certificates.certManager.issuerRef.name is needed",
		"receiver.httpRoute.enabled=true,receiver.httpRoute.parentRefs[0].name=a": "receiver.host is needed for the HTTPRoute",

		"receiverConnectionsPerAddress=0": "receiverConnectionsPerAddress",
		"resources.limit.memory=1":        "limit",

		"fullnameOverride=1shard":                      "/fullnameOverride", // older API servers want a letter before the name of a Service
		"receiver.host=https://hooks.example.com":      "/receiver/host",
		"receiver.host=*.example.com":                  "/receiver/host",
		`podLabels.app\.kubernetes\.io/name=mine`:      "/podLabels/app.kubernetes.io~1name",
		`podLabels.studio\.livepeer\.org/operator=x`:   "/podLabels/studio.livepeer.org~1operator",
		`prometheus.labels.app\.kubernetes\.io/name=a`: "/prometheus/labels/app.kubernetes.io~1name",
		"log.level=128":                                "/log/level",
		"enabled=false":                                "enabled is for a chart that has this one as a part",
		"image=null":                                   "image",
		"image.repository=null":                        "repository",
		"networkPolicy=null":                           "missing property 'networkPolicy'",
		"receiver.ingress=null":                        "missing property 'ingress'",
		"certificates.certManager=null":                "missing property 'certManager'",
		"certificates.certManager.issuerRef.nam=ca":    "issuerRef",
		"certificates.certManager.issuerRef.name=9":    "/certificates/certManager/issuerRef/name",

		// null is no default: it would be false, without a word.
		"crds.keep=null":                          "missing property 'keep'",
		"crds.install=null":                       "missing property 'install'",
		"clusterResources.install=null":           "missing property 'install'",
		"networkPolicy.enabled=null":              "missing property 'enabled'",
		"serviceAccount.create=null":              "missing property 'create'",
		"certificates.certManager.receiver=null":  "missing property 'receiver'",
		"certificates.certManager.enabled=null":   "missing property 'enabled'",
		"image.repository=example.com/o:v1":       "/image/repository",
		"image.repository=example.com/o@sha256:0": "/image/repository",
		"watchNamespaces={*}":                     "/watchNamespaces/0",
		"extraArgs={--watch-label-selector=a=b}":  "watchLabelSelector is the value for --watch-label-selector: rights follow from it",
	} {
		_, err := helm(t.Context(), t, "template", release, chartDir, "--set", value)
		g.Expect(err).To(MatchError(ContainSubstring(message)), value)
	}
	// Kubernetes takes it for 0.
	_, err := helm(t.Context(), t, "template", release, chartDir, "--set-json", `resources.limits={"cpu": null}`)
	g.Expect(err).To(MatchError(ContainSubstring("/resources/limits/cpu")))
}

func TestLint(t *testing.T) {
	_, err := helm(t.Context(), t, "lint", "--strict", chartDir)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

func deploymentOf(t *testing.T, all objects) *appsv1.Deployment {
	t.Helper()
	return as[appsv1.Deployment](t, all.only(t, "Deployment"))
}

// as is an object as its Go type, which knows every field of it.
func as[T any](t *testing.T, object *unstructured.Unstructured) *T {
	t.Helper()
	typed := new(T)
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, typed, true)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return typed
}
