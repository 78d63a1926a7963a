// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// OLM itself, with the rights of its own ServiceAccount, and a catalog that is made as the page says: a Subscription installs the bundle, the
// operator's own binary mirrors with the rights that OLM gave it, and the CRDs outlive the bundle. The test stands in for what makes pods.
func TestOLM(t *testing.T) {
	o := newOLMCluster(t)
	_, url := o.startStudio()
	o.serveCatalog()
	o.subscribe(`{}`)
	o.Eventually(o.phase, gitopsBound).Should(BeElementOf("InstallReady", "Installing"))
	o.Expect(o.crds()).To(ConsistOf("LivepeerTask", "LivepeerTaskSource"))
	o.Eventually(o.targets, gitopsBound).Should(Equal(""), "all namespaces")
	o.Eventually(func() string { // OLM may change the Deployment once more
		o.available()
		return o.phase()
	}, gitopsBound).Should(Equal("Succeeded"))
	o.Eventually(func() []corev1.EnvVar { return o.deployment().Spec.Template.Spec.Containers[0].Env }, gitopsBound).Should(ContainElements(
		corev1.EnvVar{Name: "HTTPS_PROXY", Value: "http://proxy.example.com:3128"},
		corev1.EnvVar{Name: "NO_PROXY", Value: "$(KUBERNETES_SERVICE_HOST),.svc,.cluster.local"}), "as the page has it in the Subscription")
	o.mirror(url)

	o.Expect(o.clusterRights()).To(ContainElement("livepeertasksources"))
	before := o.tasksOf("main")
	for _, kind := range []string{"Subscription", "ClusterServiceVersion"} {
		o.Expect(o.DeleteAllOf(t.Context(), ofOLM(kind), client.InNamespace(controlplane.SystemNamespace))).To(Succeed())
	}
	o.Eventually(o.phase, gitopsBound).Should(BeEmpty())
	o.Expect(o.crds()).To(ConsistOf("LivepeerTask", "LivepeerTaskSource"))
	o.Expect(o.tasksOf("main")).To(Equal(before))
}

// olmCluster has both parts of the Operator Lifecycle Manager.
type olmCluster struct {
	gitopsCluster
}

func newOLMCluster(t *testing.T) *olmCluster {
	t.Helper()
	manager, catalog := tool(t, "olm"), tool(t, "catalog")
	for _, port := range []string{"8080", "8443"} { // which are built in
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":"+port)
		if err != nil {
			t.Skipf("OLM can have no port but this one: %v", err)
		}
		NewWithT(t).Expect(listener.Close()).To(Succeed())
	}
	o := &olmCluster{newGitopsCluster(t)}
	dir := moduleDir(t, "olm-operator", "github.com/operator-framework/operator-lifecycle-manager") + "/deploy/chart"
	_, err := envtest.InstallCRDs(o.plane.Config(), envtest.CRDInstallOptions{Paths: []string{dir + "/crds"}, ErrorIfPathMissing: true, MaxTime: gitopsBound})
	o.Expect(err).NotTo(HaveOccurred())
	newNamespace(t, o, "olm")
	newNamespace(t, o, controlplane.SystemNamespace)
	raw, err := os.ReadFile(dir + "/templates/0000_50_olm_02-olm-operator.serviceaccount.yaml")
	o.Expect(err).NotTo(HaveOccurred())
	rights := strings.NewReplacer("{{ .Values.rbacApiVersion }}", rbacv1.GroupName, "{{ .Values.namespace }}", "olm").Replace(string(raw))
	for document := range strings.SplitSeq(rights, "\n---\n") {
		o.apply(document)
	}
	account, err := o.plane.ServiceAccountConfig(t.Context(), "olm", "olm-operator-serviceaccount")
	o.Expect(err).NotTo(HaveOccurred())
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	o.Expect(controlplane.WriteKubeconfig(kubeconfig, account, "olm")).To(Succeed())
	t.Setenv("KUBECONFIG", kubeconfig)
	t.Setenv("OPERATOR_NAMESPACE", "olm")
	certificates := newAuthority(t).folder(t, "127.0.0.1") // or both would want one port
	t.Setenv("OPERATOR_NAME", "olm-operator")
	startTool(t, manager, "--namespace=olm", "--watchedNamespaces=", "--writeStatusName=", "--writePackageServerStatusName=",
		"--tls-cert="+certificates+"/tls.crt", "--tls-key="+certificates+"/tls.key", "--client-ca="+certificates+"/ca.crt")
	t.Setenv("OPERATOR_NAME", "catalog-operator")
	startTool(t, catalog, "--namespace=olm", "--writeStatusName=", "--kubeconfig="+kubeconfig)
	return o
}

func (o *olmCluster) apply(text string) {
	o.t.Helper()
	object := &unstructured.Unstructured{}
	o.Expect(yaml.Unmarshal([]byte(text), &object.Object)).To(Succeed(), text)
	o.Expect(o.plane.Apply(o.t.Context(), object)).To(Succeed(), text)
}

// serveCatalog makes the bundle, and a catalog of it by the commands of the page, and serves that.
func (o *olmCluster) serveCatalog() {
	o.t.Helper()
	dir, maker := o.t.TempDir(), filepath.Join(o.t.TempDir(), "olm-bundle")
	out, err := exec.CommandContext(o.t.Context(), "go", "build", "-C", "../../tools/olm", "-o", maker, ".").CombinedOutput()
	o.Expect(err).NotTo(HaveOccurred(), string(out))
	bundle := exec.CommandContext(o.t.Context(), maker, "-image=registry.example.com/livepeer-task-operator:dev", "-out="+filepath.Join(dir, "dist", "bundle"))
	bundle.Dir = "../.."
	bundle.Env = append(os.Environ(), "KUBECTL="+o.plane.Kubectl())
	out, err = bundle.CombinedOutput()
	o.Expect(err).NotTo(HaveOccurred(), string(out))

	commands := exec.CommandContext(o.t.Context(), "sh", "-ec", strings.ReplaceAll(olmPage(o.t, "(?ms)^```\n(mkdir catalog\n.*?\n)```$"), "registry.example.com/livepeer-task-operator-bundle:v0.1.0", "dist/bundle"))
	commands.Dir = dir
	commands.Env = append(os.Environ(), "PATH="+filepath.Dir(tool(o.t, "opm"))+":"+os.Getenv("PATH"))
	out, err = commands.CombinedOutput()
	o.Expect(err).NotTo(HaveOccurred(), string(out))
	port := freePort(o.t)
	startTool(o.t, tool(o.t, "opm"), "serve", filepath.Join(dir, "catalog"), "--port="+port, "--cache-dir="+o.t.TempDir(),
		"--cache-enforce-integrity=false", "--pprof-addr=127.0.0.1:"+freePort(o.t), "--termination-log="+filepath.Join(dir, "log"))
	o.Eventually(func() error {
		conn, err := (&net.Dialer{}).DialContext(o.t.Context(), "tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}, gitopsBound).Should(Succeed())
	o.apply(`{apiVersion: operators.coreos.com/v1alpha1, kind: CatalogSource, metadata: {name: livepeer, namespace: olm},
		spec: {sourceType: grpc, address: "127.0.0.1:` + port + `"}}`)
}

// olmPage is what docs/olm.md has at the group of an expression.
func olmPage(t *testing.T, expression string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/olm.md")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	found := regexp.MustCompile(expression).FindStringSubmatch(string(text))
	NewWithT(t).Expect(found).To(HaveLen(2), expression)
	return found[1]
}

// group stores the OperatorGroup, which says what namespaces the operator is for.
func (o *olmCluster) group(spec string) {
	o.t.Helper()
	o.apply(`{apiVersion: operators.coreos.com/v1, kind: OperatorGroup, metadata: {name: livepeer, namespace: ` + controlplane.SystemNamespace + `}, spec: ` + spec + `}`)
}

// subscribe stores a Subscription with the settings of the page.
func (o *olmCluster) subscribe(group string) {
	o.t.Helper()
	o.group(group)
	settings := map[string]any{}
	o.Expect(yaml.Unmarshal([]byte(olmPage(o.t, "(?ms)^```yaml\n(spec:\n  config:.*?\n)```$")), &settings)).To(Succeed())
	spec := settings["spec"].(map[string]any)
	for name, value := range map[string]any{
		"name": operatorName, "channel": "candidate", "source": "livepeer", "sourceNamespace": "olm", "installPlanApproval": "Automatic",
	} {
		spec[name] = value
	}
	subscription := ofOLM("Subscription")
	subscription.SetNamespace(controlplane.SystemNamespace)
	subscription.SetName(operatorName)
	subscription.Object["spec"] = spec
	o.Expect(o.plane.Apply(o.t.Context(), subscription)).To(Succeed())
}

func ofOLM(kind string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: "operators.coreos.com", Version: "v1alpha1", Kind: kind})
	return object
}

// phase is that of the ClusterServiceVersion; empty where there is none.
func (o *olmCluster) phase() string {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(ofOLM("ClusterServiceVersionList").GroupVersionKind())
	o.Expect(o.List(o.t.Context(), list, client.InNamespace(controlplane.SystemNamespace))).To(Succeed())
	if len(list.Items) == 0 {
		return ""
	}
	phase, _, err := unstructured.NestedString(list.Items[0].Object, "status", "phase")
	o.Expect(err).NotTo(HaveOccurred())
	return phase
}

func (o *olmCluster) deployment() *appsv1.Deployment {
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: controlplane.SystemNamespace, Name: controlplane.ServiceAccount}
	o.Expect(o.Get(o.t.Context(), key, deployment)).To(Succeed())
	return deployment
}

// targets is what OLM says to the pod of its namespaces.
func (o *olmCluster) targets() string {
	list := &appsv1.DeploymentList{}
	o.Expect(o.List(o.t.Context(), list, client.InNamespace(controlplane.SystemNamespace))).To(Succeed())
	if len(list.Items) == 0 {
		return "no Deployment"
	}
	targets, ok := list.Items[0].Spec.Template.Annotations["olm.targetNamespaces"]
	if !ok {
		return "no annotation"
	}
	return targets
}

// available does what rolls the Deployment out.
func (o *olmCluster) available() {
	o.t.Helper()
	deployment := o.deployment()
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
		Conditions: []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable"},
			{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
		},
	}
	o.Expect(o.Status().Update(o.t.Context(), deployment)).To(Or(Succeed(), Satisfy(apierrors.IsConflict)))
}

// clusterRights are the resources that the operator may use in the whole cluster.
func (o *olmCluster) clusterRights() (resources []string) {
	bindings := &rbacv1.ClusterRoleBindingList{}
	o.Expect(o.List(o.t.Context(), bindings)).To(Succeed())
	for i := range bindings.Items {
		for _, subject := range bindings.Items[i].Subjects {
			if subject.Namespace != controlplane.SystemNamespace {
				continue
			}
			role := &rbacv1.ClusterRole{}
			o.Expect(o.Get(o.t.Context(), client.ObjectKey{Name: bindings.Items[i].RoleRef.Name}, role)).To(Succeed(), fmt.Sprint(subject))
			for _, rule := range role.Rules {
				resources = append(resources, rule.Resources...)
			}
		}
	}
	return resources
}
