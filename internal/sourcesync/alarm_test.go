// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// alarmClock is a clock whose alarms ring when a test says so.
type alarmClock struct {
	clock.RealClock

	mu    sync.Mutex
	now   time.Time
	alarm *alarm // set last
}

// alarm is one that is set, for a time.
type alarm struct {
	clock.Timer

	clock *alarmClock
	at    time.Time
	ring  func()
	off   bool
}

func (c *alarmClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *alarmClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarm = &alarm{clock: c, at: c.now.Add(d), ring: f}
	return c.alarm
}

func (a *alarm) Stop() bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	a.off = true
	return true
}

// next waits until time has passed to the alarm that is set, and lets it ring. It returns how long that was.
func (c *alarmClock) next() time.Duration {
	c.mu.Lock()
	alarm, passed := c.alarm, c.alarm.at.Sub(c.now)
	c.now = alarm.at
	off := alarm.off
	c.mu.Unlock()
	if !off {
		alarm.ring()
	}
	return passed
}

// watched is an engine with one source, whose API can be silent, by an alarmClock.
type watched struct {
	Gomega
	*Engine

	clock  *alarmClock
	studio *livepeertest.Server
	source *v1alpha1.LivepeerTaskSource
	woken  *wakes
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{
		Gomega: NewWithT(t), clock: &alarmClock{now: time.Now()}, studio: livepeertest.NewServer(), source: kubetest.ASource(), woken: &wakes{},
	}
	server := httptest.NewServer(w.studio)
	t.Cleanup(server.Close)
	w.source.Spec.URL = server.URL + "/api"
	w.source.Spec.Timeout.Duration = time.Hour
	w.Engine = startEngineOn(t, kubetest.NewAPI(server.URL), w.clock, w.woken)
	w.Eventually(func() bool { return w.Sync(w.source).FullSyncAt.IsZero() }, time.Minute).Should(BeFalse())
	return w
}

// told waits until the engine has something to say of the source, and syncs it.
func (w *watched) told() Report {
	w.Eventually(w.woken.take, time.Minute).WithArguments(keyOf(w.source)).Should(BeTrue())
	return w.Sync(w.source)
}

// TestAPollTakesOneSync: what is due begins by itself. The source is synced where there is something to say: once a poll.
func TestAPollTakesOneSync(t *testing.T) {
	w := newWatched(t)
	for w.woken.take(keyOf(w.source)) {
		w.Sync(w.source)
	}
	for range 3 {
		asked := len(w.studio.Requests())
		w.Expect(w.clock.next()).To(BeNumerically("<=", w.source.Spec.Interval.Duration))
		w.Expect(w.told().PolledAt).To(Equal(w.clock.Now()))
		w.Expect(w.studio.Requests()).To(HaveLen(asked + 1))
		w.Expect(w.woken.take(keyOf(w.source))).To(BeFalse())
	}
}

// TestASilentAPIIsToldOf: a step that began by itself, and whose API says nothing, has the source synced after three intervals.
func TestASilentAPIIsToldOf(t *testing.T) {
	w := newWatched(t)
	for w.woken.take(keyOf(w.source)) {
		w.Sync(w.source)
	}
	w.studio.Fault(func(r *http.Request) livepeertest.Fault {
		<-r.Context().Done()
		return livepeertest.Fault{}
	})
	waited := w.clock.next()
	for !w.woken.take(keyOf(w.source)) {
		waited += w.clock.next()
	}
	w.Expect(waited).To(BeNumerically("~", missedIntervals*w.source.Spec.Interval.Duration, time.Second))
	w.Expect(w.Sync(w.source).Silent).NotTo(BeNil())
}

// TestAForgottenSourceIsNotPolled: nor is one that is suspended, which is forgotten as well.
func TestAForgottenSourceIsNotPolled(t *testing.T) {
	w := newWatched(t)
	w.Forget(keyOf(w.source))
	asked := len(w.studio.Requests())
	w.clock.alarm.ring() // it was about to
	w.Expect(w.clock.alarm.off).To(BeTrue())
	w.Consistently(w.studio.Requests, time.Second/2).Should(HaveLen(asked))
}
