// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// What waits for a silent sink waits for longer than any test looks.
const (
	soon     = 4 * time.Minute
	patience = 4 * soon
)

// tenants are sources of many namespaces, each with tasks that have something to be sent, and the controller that sends it.
type tenants struct {
	client.Client
	Gomega
	t     *testing.T
	index *taskstore.Index
	queue priorityqueue.PriorityQueue[reconcile.Request]

	mu      sync.Mutex
	sources map[types.NamespacedName]*v1alpha1.LivepeerTaskSource
	tasks   map[types.NamespacedName]*v1alpha1.LivepeerTask
	version int
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	return &tenants{
		Gomega: NewWithT(t), t: t, index: taskstore.NewIndex(), queue: priorityqueue.New[reconcile.Request]("test"), version: 100,
		sources: map[types.NamespacedName]*v1alpha1.LivepeerTaskSource{}, tasks: map[types.NamespacedName]*v1alpha1.LivepeerTask{},
	}
}

// Get reads a source or a task, which comes through JSON as it would from an API server.
func (a *tenants) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	source, isSource := obj.(*v1alpha1.LivepeerTaskSource)
	if known, ok := a.sources[key]; ok && isSource {
		known.DeepCopyInto(source)
		return nil
	}
	if known, ok := a.tasks[key]; ok && !isSource {
		sent, err := json.Marshal(known)
		if err != nil {
			return err
		}
		return json.Unmarshal(sent, obj)
	}
	return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("any").GroupResource(), key.Name)
}

func (a *tenants) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, source := range a.sources {
		all := list.(*v1alpha1.LivepeerTaskSourceList) //nolint:forcetypeassert // Nothing else is listed.
		all.Items = append(all.Items, *source)
	}
	return nil
}

func (a *tenants) Status() client.SubResourceWriter { return &tenantsStatus{all: a} }

type tenantsStatus struct {
	client.SubResourceWriter
	all *tenants
}

func (s *tenantsStatus) Update(_ context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	next := s.all.tasks[client.ObjectKeyFromObject(obj)].DeepCopy()
	next.Status = obj.(*v1alpha1.LivepeerTask).Status //nolint:forcetypeassert // Nothing else is written.
	s.all.version++
	next.ResourceVersion = strconv.Itoa(s.all.version)
	s.all.tasks[client.ObjectKeyFromObject(obj)] = next
	next.DeepCopyInto(obj.(*v1alpha1.LivepeerTask)) //nolint:forcetypeassert // As above.
	return nil
}

// add makes a source with a sink, and tasks with something to be sent.
func (a *tenants) add(namespace, name, sink string, tasks int, change ...func(*v1alpha1.LivepeerTask)) {
	a.mu.Lock()
	source := kubetest.ASource()
	source.Namespace, source.Name, source.UID = namespace, name, types.UID("uid-of-"+name)
	source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: sink}}
	a.sources[client.ObjectKeyFromObject(source)] = source
	var made []*v1alpha1.LivepeerTask
	for n := range tasks {
		a.version++
		task := kubetest.ATask(fmt.Sprintf("%s-%03d", name, n), name, a.version, append(change, func(task *v1alpha1.LivepeerTask) {
			task.Namespace, task.Status.Notifications = namespace, []v1alpha1.Transition{{Phase: v1alpha1.PhaseRunning}}
		})...)
		a.tasks[client.ObjectKeyFromObject(task)] = task
		made = append(made, task)
	}
	a.mu.Unlock()
	for _, task := range made {
		a.index.See(task)
	}
}

// start sends until the test ends, with as many workers as the operator has.
func (a *tenants) start() *Reconciler {
	a.t.Helper()
	measured, err := NewMetrics(prometheus.NewRegistry(), a.index.WaitingTasks)
	a.Expect(err).NotTo(HaveOccurred())
	sinks := NewSinks(credentials.NewWatcher(a, nil), "test", studio.Hosts{}, studio.NewPool())
	sinks.timeout = patience
	r := New(Config{
		Client: a, Index: a.index, Writer: taskstore.NewWriter(kubetest.Storage{Client: a}, a, a.index),
		Sinks: sinks, Metrics: measured, Now: time.Now,
		Changed: func(types.NamespacedName) {}, Indexed: func() bool { return true },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	a.Expect(r.follow(ctx, a.queue)).To(Succeed())
	for range workers {
		group.Go(func() {
			for {
				request, shutdown := a.queue.Get()
				if shutdown {
					return
				}
				if result, err := r.Reconcile(ctx, request); err == nil && result.RequeueAfter > 0 {
					a.queue.AddAfter(request, result.RequeueAfter)
				}
				a.queue.Done(request)
			}
		})
	}
	group.Go(func() { _ = r.Start(ctx) })
	a.t.Cleanup(func() {
		cancel()
		a.queue.ShutDown()
		group.Wait()
	})
	return r
}

// silent is the address of a server that accepts connections, and says nothing; and how many it has accepted.
func silent(t *testing.T) (url string, accepted *atomic.Int64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = &atomic.Int64{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var open []net.Conn // what nobody knows of any more, the garbage collector closes
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			open = append(open, conn)
			accepted.Add(1)
		}
		for _, conn := range open {
			conn.Close()
		}
	}()
	context.AfterFunc(t.Context(), func() { _ = listener.Close() }) // before the controller ends, which would give the connections 2 s
	t.Cleanup(func() { <-ended })
	return "http://" + listener.Addr().String(), accepted
}

// TestSilentSinksKeepNobodyWaiting: 500 of them in 50 namespaces. What another namespace sends is there at once.
func TestSilentSinksKeepNobodyWaiting(t *testing.T) {
	a := newTenants(t)
	hangs, hanging := silent(t)
	for n := range 500 {
		a.add(fmt.Sprint("tenant-", n%50), fmt.Sprint("hangs-", n), hangs, 2)
	}
	var got atomic.Int64
	well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	t.Cleanup(well.Close)
	a.start()
	a.Eventually(hanging.Load, soon, time.Millisecond).Should(BeNumerically(">=", 128))
	began := time.Now()
	a.add("well", "well", well.URL, 20)
	a.Eventually(got.Load, soon, time.Millisecond).Should(BeEquivalentTo(20))
	t.Logf("20 events took %s beside %d silent connections", time.Since(began), hanging.Load())
}

// TestSilentSinksTakeLittleMemory: what waits for one is the event, and not the task, which may be large.
func TestSilentSinksTakeLittleMemory(t *testing.T) {
	a := newTenants(t)
	hangs, hanging := silent(t)
	const sources, each, size = 16, 8, 128 << 10
	large := func(task *v1alpha1.LivepeerTask) {
		task.Status.Conditions = nil
		task.Annotations = map[string]string{"large": strings.Repeat("x", size)}
	}
	for n := range sources {
		a.add("tenant", fmt.Sprint("hangs-", n), hangs, each, large)
	}
	used := func() uint64 {
		var is runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&is)
		return is.HeapAlloc
	}
	before := used()
	a.start()
	a.Eventually(hanging.Load, soon, time.Millisecond).Should(BeNumerically(">=", sources*each))
	a.Eventually(func() uint64 { return max(used(), before) - before }, soon).Should(BeNumerically("<", sources*each*size/2))
	t.Logf("%d KiB", (max(used(), before)-before)>>10)
}

// TestSilentSinksOfOneNamespace: 100 that did not answer before a restart have no more than half of its share.
func TestSilentSinksOfOneNamespace(t *testing.T) {
	a := newTenants(t)
	hangs, hanging := silent(t)
	for n := range 100 {
		a.add("tenant", fmt.Sprint("hangs-", n), hangs, 2)
	}
	for _, source := range a.sources {
		SetCondition(source, Health{v1alpha1.ReasonSinkUnavailable, "It did not answer"})
	}
	var got atomic.Int64
	well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	t.Cleanup(well.Close)
	a.start()
	a.Eventually(hanging.Load, soon, time.Millisecond).Should(BeNumerically(">=", namespaceDoubtful))
	began := time.Now()
	a.add("tenant", "well", well.URL, 20)
	a.Eventually(got.Load, soon, time.Millisecond).Should(BeEquivalentTo(20))
	t.Logf("20 events took %s beside %d silent connections", time.Since(began), hanging.Load())
}
