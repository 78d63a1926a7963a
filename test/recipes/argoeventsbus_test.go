// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// Argo Events' own controller with the objects of the page, and what the pods that it makes run, with a NATS server: what the page's Sensor
// posts, and to whom it posts again. The page's own EventBus is a StatefulSet of three: another stands in for it once it is taken.
func TestArgoEventsSensor(t *testing.T) {
	a := newArgoEventsCluster(t)
	follow, once := &followUp{}, &refuser{}
	startServices(t, nil, map[string]http.Handler{"follow-up.media.svc": follow, "once.media.svc": once})
	a.startBus()
	sensor := lastOf(t, "argo-events.md", "Sensor")
	a.Expect(a.plane.Apply(t.Context(), lastOf(t, "argo-events.md", "EventSource"), onceOf(sensor), sensor)).To(Succeed())
	a.run("sensor")
	a.run("once-sensor")
	stop := a.run("eventsource")
	a.testService()
	a.listens(follow)

	follow.refuse(3)
	a.complete("refused")
	a.Eventually(follow.phases, gitopsBound).WithArguments("refused").Should(Equal([]string{"completed"}))
	a.Expect(follow.refused()).To(BeZero(), "posted again until it was taken")
	failed := newTask(t, a, "media", `{"id":"failed","type":"upload","status":{"phase":"running"}}`)
	setPhase(t, a, "media", failed, "failed")
	a.label("refused")
	a.Eventually(follow.phases, gitopsBound).WithArguments("refused").Should(HaveLen(2), "a label changed")
	a.Eventually(once.posts, gitopsBound).WithArguments("refused").Should(HaveLen(2), "one for each event, though it is refused")
	a.Expect(once.posts("refused")).To(HaveEach(ContainSubstring(`"status":"{`)), "a text")

	stop()
	a.complete("missed")
	before := follow.posts()
	a.run("eventsource")
	a.listens(follow)
	a.Expect(follow.phases("missed")).To(BeEmpty(), "nothing is kept")
	a.Expect(follow.phases("refused")).To(HaveLen(2), "nothing is said again: %v", before)
	a.Expect(follow.phases("failed")).To(BeEmpty())
}

// argoEventsCluster has Argo Events' controller.
type argoEventsCluster struct {
	gitopsCluster
	binary string
}

// onceOf is a Sensor without what the page says is needed, which posts elsewhere.
func onceOf(sensor *unstructured.Unstructured) *unstructured.Unstructured {
	once := sensor.DeepCopy()
	once.SetName(sensor.GetName() + "-once")
	trigger := once.Object["spec"].(map[string]any)["triggers"].([]any)[0].(map[string]any)
	for _, field := range []string{"atLeastOnce", "policy"} {
		delete(trigger, field)
	}
	post := trigger["template"].(map[string]any)["http"].(map[string]any)
	post["url"] = "http://once.media.svc/completed"
	for _, value := range post["payload"].([]any) {
		delete(value.(map[string]any)["src"].(map[string]any), "useRawData")
	}
	return once
}

// testService: the controller makes a Service of the name and port that docs/cloudevents.md gives to the operator as sink.
func (a *argoEventsCluster) testService() {
	a.t.Helper()
	source := documented(a.t, "EventSource")
	sink := strings.Replace(said(a.t, "`http://(livepeer-eventsource-svc[^`/]+)/"), source.GetName(), "webhook", 1)
	source.SetName("webhook") // another is there of its name
	a.Expect(a.plane.Apply(a.t.Context(), source)).To(Succeed())
	a.Eventually(func() (addresses []string) {
		services := &corev1.ServiceList{}
		a.Expect(a.List(a.t.Context(), services, client.InNamespace("media"))).To(Succeed())
		for i := range services.Items {
			for _, port := range services.Items[i].Spec.Ports {
				addresses = append(addresses, fmt.Sprintf("%s.media.svc:%d", services.Items[i].Name, port.Port))
			}
		}
		return addresses
	}, gitopsBound).Should(ContainElement(sink))
}

func newArgoEventsCluster(t *testing.T) *argoEventsCluster {
	t.Helper()
	a := &argoEventsCluster{binary: tool(t, "argo-events-pods")}
	a.gitopsCluster = newGitopsCluster(t)
	dir := moduleDir(t, "argo-events", "github.com/argoproj/argo-events") + "/manifests"
	_, err := envtest.InstallCRDs(a.plane.Config(), envtest.CRDInstallOptions{Paths: []string{dir + "/base/crds"}, ErrorIfPathMissing: true, MaxTime: gitopsBound})
	a.Expect(err).NotTo(HaveOccurred())
	a.Expect(a.plane.Install(t.Context(), "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")).To(Succeed()) // or the test can store no tasks
	newNamespace(t, a, "argo-events")
	newNamespace(t, a, "media")
	for _, name := range []string{"base/argo-events-sa", "cluster-install/rbac/argo-events-cluster-role", "cluster-install/rbac/argo-events-binding"} {
		object := a.read(dir + "/" + name + ".yaml")
		if object.GetKind() == "ServiceAccount" {
			object.SetNamespace("argo-events")
		}
		a.Expect(a.plane.Apply(t.Context(), object)).To(Succeed())
	}
	a.Expect(a.plane.Apply(t.Context(), lastOf(t, "argo-events.md", "ServiceAccount"), lastOf(t, "argo-events.md", "RoleBinding"))).To(Succeed())
	a.Expect(a.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "default"}})).To(Succeed())

	config, _, err := unstructured.NestedString(a.read(dir+"/base/controller-manager/controller-config.yaml").Object, "data", "controller-config.yaml")
	a.Expect(err).NotTo(HaveOccurred())
	a.as("argo-events", "argo-events-sa")
	controller := exec.CommandContext(t.Context(), a.binary, "controller")
	controller.Stdin = strings.NewReader(config)
	a.Expect(controller.Start()).To(Succeed())
	t.Cleanup(func() { _ = controller.Wait() }) // the context of the test has ended it
	return a
}

func (a *argoEventsCluster) read(path string) *unstructured.Unstructured {
	a.t.Helper()
	raw, err := os.ReadFile(path)
	a.Expect(err).NotTo(HaveOccurred())
	object := &unstructured.Unstructured{}
	a.Expect(yaml.Unmarshal(raw, &object.Object)).To(Succeed())
	return object
}

// as gives what is started next the rights of a ServiceAccount.
func (a *argoEventsCluster) as(namespace, name string) {
	a.t.Helper()
	account, err := a.plane.ServiceAccountConfig(a.t.Context(), namespace, name)
	a.Expect(err).NotTo(HaveOccurred())
	kubeconfig := filepath.Join(a.t.TempDir(), "kubeconfig")
	a.Expect(controlplane.WriteKubeconfig(kubeconfig, account, namespace)).To(Succeed())
	a.t.Setenv("KUBECONFIG", kubeconfig)
}

// startBus has the controller take the page's EventBus, and puts another in its place, whose server is a NATS of the test.
func (a *argoEventsCluster) startBus() {
	a.t.Helper()
	bus := lastOf(a.t, "argo-events.md", "EventBus")
	a.Expect(a.plane.Apply(a.t.Context(), bus.DeepCopy())).To(Succeed())
	servers := &appsv1.StatefulSet{}
	key := client.ObjectKey{Namespace: "media", Name: "eventbus-default-js"}
	a.Eventually(func() error { return a.Get(a.t.Context(), key, servers) }, gitopsBound).Should(Succeed())
	version, _, err := unstructured.NestedString(bus.Object, "spec", "jetstream", "version")
	a.Expect(err).NotTo(HaveOccurred())
	a.Expect(servers.Spec.Template.Spec.Containers[0].Image).To(Equal("nats:" + version))
	a.Expect(a.Delete(a.t.Context(), bus.DeepCopy())).To(Succeed())
	a.Eventually(func() bool { return a.gone(bus.DeepCopy()) }, gitopsBound).Should(BeTrue())

	dir, port := a.t.TempDir(), freePort(a.t)
	admin := a.plane.Config()
	certificate, private := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	a.Expect(os.WriteFile(certificate, admin.CertData, 0o600)).To(Succeed()) // Argo Events looks at no name
	a.Expect(os.WriteFile(private, admin.KeyData, 0o600)).To(Succeed())
	startTool(a.t, tool(a.t, "nats-server"), "--addr=127.0.0.1", "--port="+port, "--jetstream", "--store_dir="+dir,
		"--tls", "--tlscert="+certificate, "--tlskey="+private)
	bus.Object["spec"] = map[string]any{"jetstreamExotic": map[string]any{"url": "nats://127.0.0.1:" + port}}
	a.Expect(a.plane.Apply(a.t.Context(), bus)).To(Succeed())
}

// run waits for the Deployment that the controller makes for an EventSource or a Sensor, and runs what its pod would, with the rights that it
// would have, until the returned function is called.
func (a *argoEventsCluster) run(kind string) (stop func() string) {
	a.t.Helper()
	var found appsv1.Deployment
	a.Eventually(func() bool {
		deployments := &appsv1.DeploymentList{}
		a.Expect(a.List(a.t.Context(), deployments, client.InNamespace("media"))).To(Succeed())
		of := func(d appsv1.Deployment) bool { return strings.HasPrefix(d.Name, "livepeer-"+kind+"-") }
		i := slices.IndexFunc(deployments.Items, of)
		if i >= 0 {
			found = deployments.Items[i]
		}
		return i >= 0
	}, gitopsBound).Should(BeTrue())
	pod := found.Spec.Template.Spec
	account := pod.ServiceAccountName
	if account == "" {
		account = "default"
	}
	a.as("media", account)
	a.t.Setenv("POD_NAME", found.Name)
	for _, variable := range pod.Containers[0].Env {
		if variable.ValueFrom == nil {
			a.t.Setenv(variable.Name, variable.Value)
		}
	}
	return startTool(a.t, a.binary, pod.Containers[0].Args...)
}

// listens has tasks complete until one is posted.
func (a *argoEventsCluster) listens(follow *followUp) {
	a.t.Helper()
	before := follow.posts()
	a.Eventually(func() int {
		a.complete("probe-" + time.Now().Format("150405.000000"))
		return follow.posts()
	}, gitopsBound, time.Second).Should(BeNumerically(">", before))
}

func (a *argoEventsCluster) complete(id string) {
	a.t.Helper()
	completeTask(a.t, a, "media", "main", id)
}

// label changes something of a task that is not its status.
func (a *argoEventsCluster) label(name string) {
	a.t.Helper()
	task := &v1alpha1.LivepeerTask{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name}}
	a.Expect(a.Patch(a.t.Context(), task, client.RawPatch(client.Merge.Type(), []byte(`{"metadata":{"labels":{"team":"a"}}}`)))).To(Succeed())
}
