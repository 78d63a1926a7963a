// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// soon bounds what happens within a few polls; polls are a second apart in these tests.
const (
	soon = 4 * time.Minute
	tick = 100 * time.Millisecond
)

// parallel tests at once: they wait for polls more than they compute.
const parallel = "8"

// cluster is a real API server with the operator's CRDs and rights; all tests share it, each in its own namespace.
var (
	cluster  *controlplane.ControlPlane
	operator *rest.Config // the operator's own ServiceAccount
	scheme   = runtime.NewScheme()
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx := context.Background()
	flag.Parse()
	if err := flag.Set("test.parallel", parallel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr), zap.UseDevMode(true)))
	if err := setUp(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

func setUp(ctx context.Context) error {
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	var err error
	if cluster, err = controlplane.Start(ctx, controlplane.Options{}); err != nil {
		return err
	}
	objects, err := cluster.Render(ctx, "config/default")
	if err != nil {
		return err
	}
	namespace, account := "", ""
	var rights []*unstructured.Unstructured
	for _, object := range objects {
		switch object.GetKind() {
		case "ServiceAccount":
			namespace, account = object.GetNamespace(), object.GetName()
		case "Namespace", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding":
		default:
			continue
		}
		rights = append(rights, object)
	}
	if err := cluster.Apply(ctx, rights...); err != nil {
		return err
	}
	operator, err = cluster.ServiceAccountConfig(ctx, namespace, account)
	return err
}

// valuesOnly skips a test where the race detector is on: what it asserts is what is written, while other tests run the same things at
// the same time. make test runs all of them without the race detector, which makes them several times as slow.
func valuesOnly(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("asserts values: make test runs it without the race detector")
	}
}

// world is one test's: a namespace, a simulated Studio, and an operator that works there under its own rights.
type world struct {
	Gomega
	t         *testing.T
	ctx       context.Context
	client    client.Client
	namespace string
	also      []string // further namespaces that the operator follows
	studio    *livepeertest.Server
	server    *httptest.Server
	stop      context.CancelFunc
	written   atomic.Int64 // requests of its operators to write LivepeerTasks
	clock     ahead        // of its operators
}

// ahead is a clock that is ahead of the real one.
type ahead struct {
	clock.RealClock
	by atomic.Int64
}

func (a *ahead) Now() time.Time                  { return time.Now().Add(time.Duration(a.by.Load())) }
func (a *ahead) Since(t time.Time) time.Duration { return a.Now().Sub(t) }
func (a *ahead) step(by time.Duration)           { a.by.Add(int64(by)) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Gomega: NewWithT(t), t: t, ctx: t.Context(), studio: livepeertest.NewServer()}
	w.server = httptest.NewServer(w.studio)
	t.Cleanup(w.server.Close)
	var err error
	w.client, err = client.New(cluster.Config(), client.Options{Scheme: scheme})
	w.Expect(err).NotTo(HaveOccurred())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	w.Expect(w.client.Create(w.ctx, namespace)).To(Succeed())
	w.namespace = namespace.Name
	return w
}

// startOperator runs an operator until the test ends or stopOperator is called.
func (w *world) startOperator() {
	w.t.Helper()
	stop := w.run("test", labels.Everything(), w.countWrites)
	w.stop = func() {
		stop()
		w.stop = func() {}
	}
	w.t.Cleanup(func() { w.stop() })
}

// run runs an operator of this name that serves the sources which a selector selects, until the returned function is called. Its
// requests to the API server go through wrap.
func (w *world) run(name string, sources labels.Selector, wrap transport.WrapperFunc) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	config := rest.CopyConfig(operator)
	config.QPS = -1
	config.Wrap(wrap)
	namespaces := append([]string{w.namespace}, w.also...)
	followed := map[string]cache.Config{}
	for _, namespace := range namespaces {
		followed[namespace] = cache.Config{}
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:     scheme,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: configWithoutNames(),
		Cache: cache.Options{
			DefaultNamespaces: followed,
			DefaultTransform:  controller.Compact,
			ByObject:          map[client.Object]cache.ByObject{&v1alpha1.LivepeerTaskSource{}: {Label: sources}},
		},
	})
	w.Expect(err).NotTo(HaveOccurred())
	options := []controller.Option{controller.InNamespaces(namespaces...), controller.WithClock(&w.clock)}
	if !sources.Empty() {
		options = append(options, controller.AsShard())
	}
	w.Expect(controller.Setup(mgr, name, options...)).To(Succeed())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func() {
		cancel()
		w.Eventually(ended, soon).Should(Receive(BeNil()))
	}
}

// configWithoutNames allows several operators in one process.
func configWithoutNames() config.Controller {
	return config.Controller{SkipNameValidation: ptr.To(true)}
}

// secret creates or changes the Secret that sources of this world refer to.
func (w *world) secret(apiKey string) {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "livepeer"}}
	_, err := ctrl.CreateOrUpdate(w.ctx, w.client, secret, func() error {
		secret.StringData = map[string]string{"apiKey": apiKey}
		return nil
	})
	w.Expect(err).NotTo(HaveOccurred())
}

// source creates a LivepeerTaskSource that polls the simulated Studio every second.
func (w *world) source(name string, change ...func(*v1alpha1.LivepeerTaskSourceSpec)) *v1alpha1.LivepeerTaskSource {
	w.t.Helper()
	source := &v1alpha1.LivepeerTaskSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: v1alpha1.LivepeerTaskSourceSpec{
			URL:            w.server.URL + "/api",
			SecretRef:      v1alpha1.SecretReference{Name: "livepeer"},
			Interval:       metav1.Duration{Duration: time.Second},
			ResyncInterval: metav1.Duration{Duration: time.Hour},
			// A busy machine may take long to answer; who looks at time-outs sets one of their own.
			Timeout: metav1.Duration{Duration: time.Minute},
		},
	}
	for _, f := range change {
		f(&source.Spec)
	}
	w.Expect(w.client.Create(w.ctx, source)).To(Succeed())
	return source
}

// mirroring starts everything: tasks in Studio, a Secret, a source, an operator; and waits until all are mirrored.
func mirroring(t *testing.T, count int, change ...func(*v1alpha1.LivepeerTaskSourceSpec)) *world {
	t.Helper()
	w := newWorld(t)
	w.studio.Populate(count, 1)
	w.secret(livepeertest.APIKey)
	w.source("main", change...)
	w.startOperator()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	return w
}

func (w *world) tasks() []v1alpha1.LivepeerTask {
	w.t.Helper()
	list := &v1alpha1.LivepeerTaskList{}
	w.Expect(w.client.List(w.ctx, list, client.InNamespace(w.namespace))).To(Succeed())
	return list.Items
}

func (w *world) task(name string) *v1alpha1.LivepeerTask {
	w.t.Helper()
	task := &v1alpha1.LivepeerTask{}
	w.Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, task)).To(Succeed())
	return task
}

func (w *world) getSource(name string) *v1alpha1.LivepeerTaskSource {
	w.t.Helper()
	source := &v1alpha1.LivepeerTaskSource{}
	w.Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, source)).To(Succeed())
	return source
}

// eventuallyReady waits until the source's Ready condition has this reason, and returns it.
func (w *world) eventuallyReady(source, reason string) *metav1.Condition {
	w.t.Helper()
	var ready *metav1.Condition
	w.Eventually(func() string {
		if ready = meta.FindStatusCondition(w.getSource(source).Status.Conditions, v1alpha1.ConditionReady); ready == nil {
			return ""
		}
		return ready.Reason
	}, soon, tick).Should(Equal(reason))
	return ready
}

// respec changes the spec of a source.
func (w *world) respec(source string, change func(*v1alpha1.LivepeerTaskSourceSpec)) {
	w.t.Helper()
	before := w.getSource(source)
	after := before.DeepCopy()
	change(&after.Spec)
	w.Expect(w.client.Patch(w.ctx, after, client.MergeFrom(before))).To(Succeed())
}

// annotate sets an annotation of a source.
func (w *world) annotate(source, key, value string) {
	w.t.Helper()
	before := w.getSource(source)
	after := before.DeepCopy()
	metav1.SetMetaDataAnnotation(&after.ObjectMeta, key, value)
	w.Expect(w.client.Patch(w.ctx, after, client.MergeFrom(before))).To(Succeed())
}

// resync asks for a full sync and waits until it was carried through.
func (w *world) resync(source, request string) {
	w.t.Helper()
	w.annotate(source, v1alpha1.AnnotationRequestedAt, request)
	w.Eventually(func() string {
		return w.getSource(source).Status.LastHandledReconcileAt
	}, soon, tick).Should(Equal(request))
}
