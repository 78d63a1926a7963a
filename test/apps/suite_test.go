// SPDX-License-Identifier: Apache-2.0

// Package apps runs the programs of docs/app-developers.md against a real API server.
package apps

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const soon = 4 * time.Minute

// cluster is a real API server with the operator's CRDs, which the tests share.
var cluster *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	var err error
	if cluster, err = controlplane.Start(context.Background(), controlplane.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// world is a namespace, and a program that follows its tasks.
type world struct {
	Gomega
	t          *testing.T
	client     client.Client
	namespace  string
	config     *rest.Config // the program's
	kubeconfig string
	program    []string // its arguments follow
}

func newWorld(t *testing.T, program []string) *world {
	t.Helper()
	w := &world{Gomega: NewWithT(t), t: t, program: program, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	scheme := runtime.NewScheme()
	w.Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	w.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	var err error
	w.client, err = client.New(cluster.Config(), client.Options{Scheme: scheme})
	w.Expect(err).NotTo(HaveOccurred())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "app-"}}
	w.Expect(w.client.Create(t.Context(), namespace)).To(Succeed())
	w.namespace = namespace.Name
	w.account()
	return w
}

// account lets the program be a ServiceAccount with the rights that the page names, and no others.
func (w *world) account() {
	w.t.Helper()
	meta := metav1.ObjectMeta{Namespace: w.namespace, Name: "my-app"}
	w.Expect(w.client.Create(w.t.Context(), &corev1.ServiceAccount{ObjectMeta: meta})).To(Succeed())
	read := rbacv1.PolicyRule{
		APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"livepeertasks"}, Verbs: []string{"get", "list", "watch"},
	}
	w.Expect(w.client.Create(w.t.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{read}})).To(Succeed())
	w.Expect(w.client.Create(w.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: meta.Namespace, Name: meta.Name}},
	})).To(Succeed())
	config, err := cluster.ServiceAccountConfig(w.t.Context(), meta.Namespace, meta.Name)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(controlplane.WriteKubeconfig(w.kubeconfig, config, "default")).To(Succeed())
	w.config = config
}

// via has the program reach the API server at another address.
func (w *world) via(server string) {
	w.t.Helper()
	w.config.Host = server
	w.Expect(controlplane.WriteKubeconfig(w.kubeconfig, w.config, "default")).To(Succeed())
}

// task stores a task as the operator does: the object first, and its status next.
func (w *world) task(id, assetID string, status v1alpha1.LivepeerTaskStatus) *v1alpha1.LivepeerTask {
	w.t.Helper()
	task := &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: id},
		Spec:       v1alpha1.LivepeerTaskSpec{ID: id, Type: v1alpha1.TypeUpload, OutputAssetID: assetID},
	}
	w.Expect(w.client.Create(w.t.Context(), task)).To(Succeed())
	w.becomes(task, status)
	return task
}

// becomes replaces the task's status.
func (w *world) becomes(task *v1alpha1.LivepeerTask, status v1alpha1.LivepeerTaskStatus) {
	w.t.Helper()
	finished := metav1.Condition{
		Type: v1alpha1.ConditionFinished, Status: metav1.ConditionFalse, Reason: "Because", LastTransitionTime: metav1.Now(),
	}
	if v1alpha1.IsFinishedPhase(status.Phase) {
		finished.Status = metav1.ConditionTrue
	}
	status.Conditions = []metav1.Condition{finished}
	task.Status = status
	w.Expect(w.client.Status().Update(w.t.Context(), task)).To(Succeed())
}

// process is a program that runs.
type process struct {
	output *gbytes.Buffer
	ended  chan error
}

// Buffer is what gbytes.Say reads.
func (p *process) Buffer() *gbytes.Buffer { return p.output }

// start runs the program until it or the test ends.
func (w *world) start(args ...string) *process {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	p := &process{output: gbytes.NewBuffer(), ended: make(chan error, 1)}
	args = append(append(w.program[1:len(w.program):len(w.program)], w.namespace), args...)
	cmd := exec.CommandContext(ctx, w.program[0], args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.kubeconfig)
	cmd.Stdout, cmd.Stderr = p.output, p.output
	w.Expect(cmd.Start()).To(Succeed())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.ended <- cmd.Wait()
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}
