// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestAFaultStaysWithItsSource: where the operator itself fails on what one source has, its condition says so and nothing of it is under
// way. Others are mirrored, and it goes on from the beginning once the fault is gone.
func TestAFaultStaysWithItsSource(t *testing.T) {
	g := NewWithT(t)
	well, others := livepeertest.NewServer(), livepeertest.NewServer()
	well.Populate(20, 1)
	others.Populate(30, 2)
	server, second := httptest.NewServer(well), httptest.NewServer(others)
	t.Cleanup(server.Close)
	t.Cleanup(second.Close)
	var later atomic.Int64 // nanoseconds
	var mended atomic.Bool
	connect := connectTo(t)
	index, api := taskstore.NewIndex(), kubetest.NewAPI(server.URL)
	engine := New(Config{
		Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: api}, api, index), Log: logr.Discard(), Wake: (&wakes{}).add,
		Clock: steppedClock{RealClock: clock.RealClock{}, now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }},
		Connect: func(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error) {
			connection, err := connect(ctx, source)
			if err != nil || source.Name != "met" || mended.Load() {
				return connection, err
			}
			faulty := *connection
			faulty.Client = nil
			return &faulty, nil
		},
	})
	run(t, engine)
	of := func(name, url string) *v1alpha1.LivepeerTaskSource {
		source := kubetest.ASource()
		source.Namespace, source.Name, source.UID = name, name, types.UID(name)
		source.Spec.URL, source.Spec.Interval.Duration = url+"/api", time.Second
		return source
	}
	met, other := of("met", server.URL), of("other", second.URL)

	g.Eventually(func() string { return engine.Sync(met).Outcome.Reason }, soon).Should(Equal(v1alpha1.ReasonInternalError))
	engine.Push(keyOf(met), well.IDs()[0], 0, time.Now())
	engine.Recheck(keyOf(met), well.IDs()[1], plan.ExternalChange)
	g.Eventually(engine.source(keyOf(met)).rechecks.Idle, soon).Should(BeTrue(), "questions end too")
	g.Eventually(func() bool { return engine.Sync(other).FullSyncAt.IsZero() }, soon).Should(BeFalse())
	g.Expect(index.Counts(taskstore.SourceIDOf(other)).Total).To(BeEquivalentTo(30))
	g.Expect(index.Counts(taskstore.SourceIDOf(met)).Total).To(BeZero())

	mended.Store(true)
	g.Eventually(func() bool {
		later.Add(int64(time.Second))
		return engine.Sync(met).FullSyncAt.IsZero()
	}, soon).Should(BeFalse())
	g.Expect(index.Counts(taskstore.SourceIDOf(met)).Total).To(BeEquivalentTo(20))
}

// TestAFaultBeforeAStep stays with its source as well: as where nobody has foreseen what is in its Secret.
func TestAFaultBeforeAStep(t *testing.T) {
	g := NewWithT(t)
	well := livepeertest.NewServer()
	well.Populate(20, 1)
	server := httptest.NewServer(well)
	t.Cleanup(server.Close)
	var later atomic.Int64 // nanoseconds
	var mended atomic.Bool
	connect := connectTo(t)
	index, api := taskstore.NewIndex(), kubetest.NewAPI(server.URL)
	engine := New(Config{
		Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: api}, api, index), Log: logr.Discard(), Wake: (&wakes{}).add,
		Clock: steppedClock{RealClock: clock.RealClock{}, now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }},
		Connect: func(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error) {
			if !mended.Load() {
				panic("odd")
			}
			return connect(ctx, source)
		},
	})
	run(t, engine)
	source := kubetest.ASource()
	source.Spec.URL, source.Spec.Interval.Duration = server.URL+"/api", time.Second
	sync := func() Report {
		later.Add(int64(time.Second))
		return engine.Sync(source)
	}
	g.Eventually(func() string { return sync().Outcome.Reason }, soon).Should(Equal(v1alpha1.ReasonInternalError))
	mended.Store(true)
	g.Eventually(func() bool { return sync().FullSyncAt.IsZero() }, soon).Should(BeFalse())
	g.Expect(index.Counts(taskstore.SourceIDOf(source)).Total).To(BeEquivalentTo(20))
}

// run starts an engine, and ends it with the test.
func run(t *testing.T, engine *Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = engine.Start(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	<-engine.Started()
}
