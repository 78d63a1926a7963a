// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// gitopsBound is shorter than the time-outs on the pages: a health check that fails within it did not wait for those.
const gitopsBound = 2 * time.Minute

// gitopsCluster is a cluster of a test's own, since Flux and Argo CD take CRDs away: an API server without the operator's CRDs.
type gitopsCluster struct {
	Gomega
	client.Client
	t     *testing.T
	plane *controlplane.ControlPlane
}

func newGitopsCluster(t *testing.T) gitopsCluster {
	t.Helper()
	return newClusterWith(t, nil)
}

// newClusterWith is one whose API server has more flags.
func newClusterWith(t *testing.T, flags map[string]string) gitopsCluster {
	t.Helper()
	c := gitopsCluster{Gomega: NewWithT(t), t: t}
	var err error
	c.plane, err = controlplane.Start(t.Context(), controlplane.Options{Flags: flags})
	c.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { c.Expect(c.plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		c.Expect(add(scheme)).To(Succeed())
	}
	c.Client, err = client.New(c.plane.Config(), client.Options{Scheme: scheme})
	c.Expect(err).NotTo(HaveOccurred())
	c.Expect(c.DeleteAllOf(t.Context(), &apiextensionsv1.CustomResourceDefinition{})).To(Succeed())
	c.Eventually(c.crds, time.Minute).Should(BeEmpty())
	return c
}

// crds are the names of the operator's CRDs that are there.
func (c *gitopsCluster) crds() (names []string) {
	list := &apiextensionsv1.CustomResourceDefinitionList{}
	c.Expect(c.List(c.t.Context(), list)).To(Succeed())
	for i := range list.Items {
		if list.Items[i].Spec.Group == v1alpha1.GroupVersion.Group {
			names = append(names, list.Items[i].Spec.Names.Kind)
		}
	}
	return names
}

// startOperator runs the operator itself, with the rights that were applied, and more arguments, until the returned function is called.
func (c *gitopsCluster) startOperator(more ...string) (stop func() string) {
	c.t.Helper()
	binary, args := c.operator(more...)
	return startTool(c.t, binary, args...)
}

// operator is its binary, with the rights that were applied, and its arguments.
func (c *gitopsCluster) operator(more ...string) (binary string, args []string) {
	c.t.Helper()
	binary, err := controlplane.ManagerFor(c.t.Context(), c.t.TempDir())
	c.Expect(err).NotTo(HaveOccurred())
	account, err := c.plane.ServiceAccountConfig(c.t.Context(), controlplane.SystemNamespace, controlplane.ServiceAccount)
	c.Expect(err).NotTo(HaveOccurred())
	kubeconfig := filepath.Join(c.t.TempDir(), "kubeconfig")
	c.Expect(controlplane.WriteKubeconfig(kubeconfig, account, "")).To(Succeed())
	args = []string{"--kubeconfig=" + kubeconfig, "--health-probe-bind-address=0", "--metrics-bind-address=0", "--receiver-bind-address=0"}
	return binary, append(args, more...)
}

// startStudio runs a simulated Studio, and returns what spec.url is to be.
func (c *gitopsCluster) startStudio() (studio *livepeertest.Server, url string) {
	studio = livepeertest.NewServer()
	studio.Populate(20, 1)
	server := httptest.NewServer(studio)
	c.t.Cleanup(server.Close)
	return studio, server.URL + "/api"
}

// git runs git in a folder, and returns what it prints.
func (c *gitopsCluster) git(dir string, args ...string) string {
	c.t.Helper()
	args = append([]string{"-C", dir, "-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)
	out, err := exec.CommandContext(c.t.Context(), "git", args...).CombinedOutput()
	c.Expect(err).NotTo(HaveOccurred(), string(out))
	return strings.TrimSpace(string(out))
}

// rollOut does what the controllers of Deployments and of disruption budgets and a node do.
func (c *gitopsCluster) rollOut() {
	c.t.Helper()
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: controlplane.SystemNamespace, Name: controlplane.ServiceAccount}
	c.Eventually(func() error { return c.Get(c.t.Context(), key, deployment) }, gitopsBound).Should(Succeed())
	n := *deployment.Spec.Replicas
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
		Conditions: []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable"},
			{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
		},
	}
	c.Expect(c.Status().Update(c.t.Context(), deployment)).To(Succeed())
	budget := &policyv1.PodDisruptionBudget{}
	c.Eventually(func() error { return c.Get(c.t.Context(), key, budget) }, gitopsBound).Should(Succeed())
	budget.Status.ObservedGeneration = budget.Generation
	budget.Status.ExpectedPods, budget.Status.CurrentHealthy, budget.Status.DesiredHealthy, budget.Status.DisruptionsAllowed = n, n, n-1, 1
	budget.Status.Conditions = []metav1.Condition{{
		Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionTrue, Reason: policyv1.SufficientPodsReason, LastTransitionTime: metav1.Now(),
	}}
	c.Expect(c.Status().Update(c.t.Context(), budget)).To(Succeed())
}

// gone says whether an object is not there.
func (c *gitopsCluster) gone(which client.Object) bool {
	err := c.Get(c.t.Context(), client.ObjectKeyFromObject(which), which)
	c.Expect(client.IgnoreNotFound(err)).To(Succeed())
	return apierrors.IsNotFound(err)
}

// addKey stores the Secret of the sources, as soon as their namespace is there.
func (c *gitopsCluster) addKey() {
	c.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "livepeer"}, StringData: map[string]string{"apiKey": livepeertest.APIKey}}
	c.Eventually(func() error { return c.Create(c.t.Context(), secret.DeepCopy()) }, gitopsBound).Should(Succeed())
}

// writeSources fills the folder of the sources in git. One of them is not to be pruned, by either tool; more is what else the spec of
// main has.
func (c *gitopsCluster) writeSources(dir, url, more string, names ...string) {
	c.t.Helper()
	manifests := []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: media}\n"}
	for _, name := range names {
		annotations, rest := "{}", ", suspend: true" // one source alone mirrors a project in a namespace
		switch name {
		case "main":
			rest = more
		case "stays":
			annotations = "{kustomize.toolkit.fluxcd.io/prune: disabled, argocd.argoproj.io/sync-options: Prune=false}"
		}
		manifests = append(manifests, fmt.Sprintf("apiVersion: studio.livepeer.org/v1alpha1\nkind: LivepeerTaskSource\n"+
			"metadata: {name: %s, namespace: media, annotations: %s}\nspec: {url: %q, secretRef: {name: livepeer}, interval: 1h, resyncInterval: 1h%s}\n",
			name, annotations, url, rest))
	}
	c.Expect(os.MkdirAll(dir, 0o700)).To(Succeed())
	c.Expect(os.WriteFile(filepath.Join(dir, "sources.yaml"), []byte(strings.Join(manifests, "---\n")), 0o600)).To(Succeed())
}

// tasksOf are the UIDs of a source's tasks, by name.
func (c *gitopsCluster) tasksOf(source string) map[string]string {
	tasks := &v1alpha1.LivepeerTaskList{}
	c.Expect(c.List(c.t.Context(), tasks, client.InNamespace("media"), client.MatchingLabels{v1alpha1.LabelSource: source})).To(Succeed())
	uids := map[string]string{}
	for i := range tasks.Items {
		uids[tasks.Items[i].Name] = string(tasks.Items[i].UID)
	}
	return uids
}

// mirror has the operator mirror a source, with nothing but the rights that were applied.
func (c *gitopsCluster) mirror(url string) {
	c.t.Helper()
	c.startOperator()
	newNamespace(c.t, c, "media")
	c.addKey()
	source := sourceCalled("main")
	source.Spec = v1alpha1.LivepeerTaskSourceSpec{
		URL: url, SecretRef: v1alpha1.SecretReference{Name: "livepeer"}, Interval: metav1.Duration{Duration: gitopsBound},
		ResyncInterval: metav1.Duration{Duration: 10 * gitopsBound}, Timeout: metav1.Duration{Duration: gitopsBound},
	}
	c.Expect(c.Create(c.t.Context(), source)).To(Succeed())
	c.Eventually(func() int { return len(c.tasksOf("main")) }, gitopsBound).Should(Equal(20))
}

// sync lets the operator ask Studio now.
func (c *gitopsCluster) sync(request, reason string) {
	c.t.Helper()
	c.Expect(testbed.RequestSync(c.t.Context(), c, "media", request)).To(Succeed())
	source := sourceCalled("main")
	c.Eventually(func() string {
		c.Expect(c.Get(c.t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
		if ready := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
			return ready.Reason
		}
		return ""
	}, gitopsBound).Should(Equal(reason))
}

func sourceCalled(name string) *v1alpha1.LivepeerTaskSource {
	return &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name}}
}
