// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const soon = 4 * time.Minute

// What the tests share: a real API server with the CRDs.
var (
	admin      client.Client
	kubeconfig string
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	plane, err := controlplane.Start(context.Background(), controlplane.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "kubectl-livepeer")
	if err == nil {
		kubeconfig = filepath.Join(dir, "kubeconfig")
		err = controlplane.WriteKubeconfig(kubeconfig, plane.Config(), "default")
	}
	if err == nil {
		err = v1alpha1.AddToScheme(scheme.Scheme)
	}
	if err == nil {
		admin, err = client.New(plane.Config(), client.Options{})
	}
	code := 1
	if err == nil {
		code = m.Run()
	}
	if err := plane.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	return code
}

// world is a namespace of its own.
type world struct {
	Gomega
	t         *testing.T
	namespace string
	// deployment is like the operator's; nil without one.
	deployment *appsv1.Deployment
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Gomega: NewWithT(t), t: t}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "media-"}}
	w.Expect(admin.Create(t.Context(), namespace)).To(Succeed())
	w.namespace = namespace.Name
	return w
}

// task stores a task.
func (w *world) task(name, kind, phase string, change ...func(*v1alpha1.LivepeerTask)) *v1alpha1.LivepeerTask {
	w.t.Helper()
	task := &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: map[string]string{v1alpha1.LabelSource: "main"}},
		Spec:       v1alpha1.LivepeerTaskSpec{ID: strings.ToUpper(name), Type: kind},
	}
	task.Status.Phase = phase
	for _, f := range change {
		f(task)
	}
	status := task.Status
	w.Expect(admin.Create(w.t.Context(), task)).To(Succeed())
	task.Status = status
	w.Expect(admin.Status().Update(w.t.Context(), task)).To(Succeed())
	return task
}

// becomes moves a task on.
func (w *world) becomes(task *v1alpha1.LivepeerTask, phase string, progress int32) {
	w.t.Helper()
	task.Status.Phase, task.Status.Progress = phase, &progress
	w.Expect(admin.Status().Update(w.t.Context(), task)).To(Succeed())
}

// source stores a source with the condition Ready.
func (w *world) source(name string, ready metav1.Condition, change ...func(*v1alpha1.LivepeerTaskSource)) *v1alpha1.LivepeerTaskSource {
	w.t.Helper()
	s := &v1alpha1.LivepeerTaskSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec:       v1alpha1.LivepeerTaskSourceSpec{SecretRef: v1alpha1.SecretReference{Name: "livepeer"}},
	}
	w.Expect(admin.Create(w.t.Context(), s)).To(Succeed())
	ready.Type, ready.LastTransitionTime = v1alpha1.ConditionReady, metav1.Now()
	s.Status.Conditions, s.Status.LastPollTime = []metav1.Condition{ready}, new(metav1.Now())
	for _, f := range change {
		f(s)
	}
	w.Expect(admin.Status().Update(w.t.Context(), s)).To(Succeed())
	return s
}

// now returns a source as it is stored.
func (w *world) now(s *v1alpha1.LivepeerTaskSource) *v1alpha1.LivepeerTaskSource {
	w.t.Helper()
	w.Expect(admin.Get(w.t.Context(), client.ObjectKeyFromObject(s), s)).To(Succeed())
	return s
}

func is(status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Status: status, Reason: reason, Message: message}
}

// process is a command that runs.
type process struct {
	out, err buffer
	code     int
	done     chan struct{} // closed at the end; code is set then
	stop     context.CancelFunc
}

type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start begins a command in the namespace; streams may replace what it reads and writes.
func (w *world) start(args []string, streams ...genericiooptions.IOStreams) *process {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	p := &process{done: make(chan struct{}), stop: cancel}
	io := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &p.out, ErrOut: &p.err}
	if len(streams) > 0 {
		io = streams[0]
	}
	go func() {
		defer close(p.done)
		p.code = Run(ctx, append([]string{"--kubeconfig", kubeconfig, "-n", w.namespace}, args...), io, "v1.2.3")
	}()
	w.t.Cleanup(func() {
		cancel()
		w.Eventually(p.done, soon).Should(BeClosed())
	})
	return p
}

// ends waits for the end of a command, with that exit code.
func (w *world) ends(p *process, code int) *process {
	w.t.Helper()
	w.Eventually(p.done, soon).Should(BeClosed(), func() string { return p.out.String() + p.err.String() })
	w.Expect(p.code).To(Equal(code), "%s%s", p.out.String(), p.err.String())
	return p
}

// runs a command to its end, and returns what it printed: on stdout, or, where it fails, on stderr.
func (w *world) runs(code int, args ...string) string {
	w.t.Helper()
	p := w.ends(w.start(args), code)
	if code != 0 && p.out.String() == "" {
		return p.err.String()
	}
	return p.out.String()
}
