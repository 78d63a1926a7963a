// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/utils/clock"
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
	if err := cluster.InstallRights(ctx); err != nil {
		return err
	}
	operator, err = cluster.ServiceAccountConfig(ctx, controlplane.SystemNamespace, controlplane.ServiceAccount)
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

// startOperator runs an operator until the test ends or stop is called.
func (w *world) startOperator() {
	w.t.Helper()
	w.stop = w.run("test", labels.Everything(), w.countWrites)
}

// run runs an operator of this name that serves the sources which a selector selects, until the returned function is called, or the test
// ends. Its requests to the API server go through wrap.
func (w *world) run(name string, sources labels.Selector, wrap transport.WrapperFunc) (stop func()) {
	w.t.Helper()
	config := rest.CopyConfig(operator)
	config.QPS = -1
	config.Wrap(wrap)
	followed := map[string]cache.Config{w.namespace: {}}
	for _, namespace := range w.also {
		followed[namespace] = cache.Config{}
	}
	return w.startManager(config, ctrl.Options{
		Scheme:     scheme,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: configWithoutNames(),
		Cache: cache.Options{
			DefaultNamespaces: followed,
			DefaultTransform:  controller.Compact,
			ByObject:          map[client.Object]cache.ByObject{&v1alpha1.LivepeerTaskSource{}: {Label: sources}},
		},
	}, controller.Config{UserAgent: name, Shard: !sources.Empty(), Clock: &w.clock})
}

// startManager runs an operator with these settings until the returned function is called, or the test ends.
func (w *world) startManager(
	config *rest.Config, options ctrl.Options, settings controller.Config, serves ...func(ctrl.Manager),
) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	mgr, err := ctrl.NewManager(config, options)
	w.Expect(err).NotTo(HaveOccurred())
	settings.UserAgent, settings.Namespaces = cmp.Or(settings.UserAgent, "test"), slices.Collect(maps.Keys(options.Cache.DefaultNamespaces))
	w.Expect(controller.Setup(mgr, settings)).To(Succeed())
	for _, serve := range serves {
		serve(mgr)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		w.Eventually(ended, soon).Should(Receive(BeNil()))
	})
	w.t.Cleanup(stop)
	return stop
}

// configWithoutNames allows several operators in one process.
func configWithoutNames() config.Controller {
	return config.Controller{SkipNameValidation: new(true)}
}

// secret creates or changes the Secret that sources of this world refer to.
func (w *world) secret(apiKey string) {
	w.t.Helper()
	w.secretNamed("livepeer", map[string]string{"apiKey": apiKey})
}

// secretNamed creates a Secret, or changes these keys of it.
func (w *world) secretNamed(name string, data map[string]string) {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
	_, err := ctrl.CreateOrUpdate(w.ctx, w.client, secret, func() error {
		secret.StringData = data
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
	return w.eventually(source, v1alpha1.ConditionReady, reason)
}

// eventually waits until a condition of the source has this reason, and returns it.
func (w *world) eventually(source, condition, reason string) (is *metav1.Condition) {
	w.t.Helper()
	w.Eventually(func() string {
		if is = meta.FindStatusCondition(w.getSource(source).Status.Conditions, condition); is == nil {
			return ""
		}
		return is.Reason
	}, soon, tick).Should(Equal(reason))
	return is
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
