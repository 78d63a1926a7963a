// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// alarmClock is a clock that a test puts on. Alarms ring when the test says so.
type alarmClock struct {
	clock.RealClock

	mu  sync.Mutex
	now time.Time
}

// alarm is one that is set, for a time.
type alarm struct {
	clock.Timer

	at   time.Time
	ring func()
	off  atomic.Bool
}

func (c *alarmClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *alarmClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	return &alarm{at: c.Now().Add(d), ring: f}
}

func (a *alarm) Stop() bool { return !a.off.Swap(true) }

// watched is an engine with one source, which is mirrored and rests, by an alarmClock.
type watched struct {
	Gomega
	*Engine

	clock  *alarmClock
	studio *livepeertest.Server
	spec   *v1alpha1.LivepeerTaskSource
	woken  *wakes
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{
		Gomega: NewWithT(t), clock: &alarmClock{now: time.Now()}, studio: livepeertest.NewServer(), spec: kubetest.ASource(), woken: &wakes{},
	}
	server := httptest.NewServer(w.studio)
	t.Cleanup(server.Close)
	w.spec.Spec.URL = server.URL + "/api"
	w.spec.Spec.Timeout.Duration = time.Hour
	w.Engine = startEngineOn(t, kubetest.NewAPI(server.URL), w.clock, w.woken)
	synced := false
	w.Sync(w.spec)
	w.Eventually(func() bool {
		if w.woken.take(keyOf(w.spec)) {
			synced = !w.Sync(w.spec).FullSyncAt.IsZero() || synced
		}
		return synced && w.rests()
	}, soon, time.Millisecond).Should(BeTrue())
	return w
}

// rests reports whether nothing of the source is under way, or to be told.
func (w *watched) rests() bool {
	s := w.source(keyOf(w.spec))
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.step == nil && s.ended == nil
}

// next lets the time pass until the source is to be looked at, and returns how long that was.
func (w *watched) next() time.Duration {
	s := w.source(keyOf(w.spec))
	s.mu.Lock()
	next := s.alarm.(*alarm)
	s.mu.Unlock()
	w.clock.mu.Lock()
	passed := next.at.Sub(w.clock.now)
	w.clock.now = next.at
	w.clock.mu.Unlock()
	w.Expect(next.off.Load()).To(BeFalse())
	next.ring()
	return passed
}

// TestAPollTakesOneSync: what is due begins by itself. The source is synced where there is something to say: once a poll.
func TestAPollTakesOneSync(t *testing.T) {
	w := newWatched(t)
	for range 3 {
		asked := len(w.studio.Requests())
		w.Expect(w.next()).To(BeNumerically("<=", w.spec.Spec.Interval.Duration*11/10), "each source has a place of its own in the interval")
		w.Eventually(w.woken.take, soon, time.Millisecond).WithArguments(keyOf(w.spec)).Should(BeTrue())
		w.Expect(w.Sync(w.spec).PolledAt).To(Equal(w.clock.Now()))
		w.Expect(w.studio.Requests()).To(HaveLen(asked + 1))
		w.Expect(w.rests()).To(BeTrue())
		w.Expect(w.woken.take(keyOf(w.spec))).To(BeFalse())
	}
}

// TestASilentAPIIsToldOf: a step that began by itself, and whose API says nothing, has the source synced after three intervals.
func TestASilentAPIIsToldOf(t *testing.T) {
	w := newWatched(t)
	var hanging atomic.Bool
	w.studio.Fault(func(r *http.Request) livepeertest.Fault {
		hanging.Store(true)
		<-r.Context().Done()
		return livepeertest.Fault{}
	})
	waited := w.next()
	w.Eventually(hanging.Load, soon).Should(BeTrue())
	w.Expect(w.woken.take(keyOf(w.spec))).To(BeFalse())
	waited += w.next()
	w.Expect(w.woken.take(keyOf(w.spec))).To(BeTrue())
	w.Expect(waited).To(BeNumerically("~", missedIntervals*w.spec.Spec.Interval.Duration, time.Second))
	w.Expect(w.Sync(w.spec).Silent).NotTo(BeNil())
}

// syncsAnew waits until a full sync has ended that began now.
func (w *watched) syncsAnew() {
	report := w.Sync(w.spec)
	w.Eventually(func() bool {
		if w.woken.take(keyOf(w.spec)) {
			report = w.Sync(w.spec)
		}
		return report.FullSyncAt.Equal(w.clock.Now())
	}, soon, time.Millisecond).Should(BeTrue())
}

// otherwise are the ways in which what a source is asked with changes.
var otherwise = map[string]func(*watched){
	"the spec": func(w *watched) { w.spec.Generation++ },
	"the Secret": func(w *watched) {
		connect := w.Connect
		w.Connect = func(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error) {
			connection, err := connect(ctx, source)
			return &Connection{Client: connection.Client, Redactor: connection.Redactor, Fingerprint: "another"}, err
		}
		w.Reconnect(keyOf(w.spec))
	},
	"the source": func(w *watched) { w.spec.UID = "another" },
}

// TestAStepThatHangsEndsWithWhatItWasFor: a changed spec, or Secret, is not kept waiting by a request that may take an hour. Nor is a source
// that was made anew, which begins anew.
func TestAStepThatHangsEndsWithWhatItWasFor(t *testing.T) {
	for name, change := range otherwise {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t)
			hanging := make(chan struct{})
			w.studio.Fault(func(r *http.Request) livepeertest.Fault {
				close(hanging)
				<-r.Context().Done()
				return livepeertest.Fault{}
			})
			w.next()
			<-hanging
			w.studio.Fault(nil)
			w.spec = w.spec.DeepCopy()
			change(w)
			w.syncsAnew()
		})
	}
}

// TestAForgottenSourceIsNotPolled: nor is one that is suspended, which is forgotten as well.
func TestAForgottenSourceIsNotPolled(t *testing.T) {
	w := newWatched(t)
	s := w.source(keyOf(w.spec))
	alarm := s.alarm.(*alarm)
	w.Forget(keyOf(w.spec))
	asked := len(w.studio.Requests())
	w.Expect(alarm.off.Load()).To(BeTrue())
	alarm.ring() // it was about to
	s.rechecks.Recheck("a", plan.ExternalChange)
	w.Consistently(w.studio.Requests, time.Second/2).Should(HaveLen(asked))
}

// TestAStepTellsOfItsOwnSpec: how a step went is not said of a spec that was not there when it began.
func TestAStepTellsOfItsOwnSpec(t *testing.T) {
	w := newWatched(t)
	w.next()
	w.Eventually(w.woken.take, soon, time.Millisecond).WithArguments(keyOf(w.spec)).Should(BeTrue())
	changed := w.spec.DeepCopy()
	changed.Generation++
	w.Expect(w.Sync(changed).Ended).To(BeFalse())
	var report Report
	w.Eventually(func() bool {
		if w.woken.take(keyOf(w.spec)) {
			report = w.Sync(changed)
		}
		return report.Ended
	}, soon, time.Millisecond).Should(BeTrue())
}

// TestNoAlarmRingsAfterTheEnd: once the engine has stopped, nothing is due any more, over and over.
func TestNoAlarmRingsAfterTheEnd(t *testing.T) {
	w := newWatched(t)
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.next()
	s := w.source(keyOf(w.spec))
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Expect(s.alarm.(*alarm).off.Load()).To(BeTrue())
}

// TestASourceThatGoesWhileItsSecretIsRead is looked at once more, though its connection is as it was: whoever wakes forgets what was
// opened for it meanwhile.
func TestASourceThatGoesWhileItsSecretIsRead(t *testing.T) {
	w := newWatched(t)
	key, connect := keyOf(w.spec), w.Connect
	reading, goOn := make(chan struct{}), make(chan struct{})
	w.Connect = func(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error) {
		close(reading)
		<-goOn
		return connect(ctx, source)
	}
	w.woken.take(key)
	w.Reconnect(key)
	<-reading
	w.Forget(key)
	close(goOn)
	w.Eventually(func() bool { return w.woken.take(key) }, soon, time.Millisecond).Should(BeTrue())
}
