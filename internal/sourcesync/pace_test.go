// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestAPauseIsAPause: whatever a source was asked for, one that has to wait begins no step for it over and over.
func TestAPauseIsAPause(t *testing.T) {
	for name, ask := range map[string]func(*process){
		"new, without a Secret": func(*process) {},
		"a sync requested":      func(p *process) { p.api.Annotate(v1alpha1.AnnotationRequestedAt, "now") },
		"too much to put right": func(p *process) { p.of().rechecks.SyncSoon() },
		"a push":                func(p *process) { p.of().rechecks.PollSoon() },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p := newProcess(t, kubetest.NewAPI("http://127.0.0.1:1"), time.Now)
			var connects atomic.Int32
			p.engine.Connect = func(context.Context, *v1alpha1.LivepeerTaskSource) (*Connection, error) {
				connects.Add(1)
				return nil, &condition.Error{Reason: v1alpha1.ReasonSecretNotFound, Stalled: true, Message: "none"}
			}
			g.Expect(p.step().Ended).To(BeTrue())
			ask(p)
			for range 50 {
				p.step()
				g.Expect(p.until()).To(BeNumerically(">", 0))
			}
			g.Expect(connects.Load()).To(BeNumerically("<=", 2))
		})
	}
}

// TestAFullSyncThatPausesIsAPause: the same where what was asked for has to wait for the end of a full sync.
func TestAFullSyncThatPausesIsAPause(t *testing.T) {
	g := NewWithT(t)
	p := newProcess(t, kubetest.NewAPI("http://127.0.0.1:1"), time.Now) // nobody answers
	g.Expect(p.step().Outcome.Reason).To(Equal(v1alpha1.ReasonUnavailable))
	p.of().rechecks.SyncSoon()
	ended := 0
	for range 50 {
		if p.step().Ended {
			ended++
		}
	}
	g.Expect(ended).To(BeNumerically("<=", 1))
}

// TestAnAPIsPauseOutlastsOtherTrouble: where Studio wants to be left alone for an hour, a Secret that is missing meanwhile is said so, and
// shortens nothing. Once it is there again, the source says what it waits for.
func TestAnAPIsPauseOutlastsOtherTrouble(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	server := httptest.NewServer(studio)
	t.Cleanup(server.Close)
	p := newProcess(t, kubetest.NewAPI(server.URL), time.Now)
	p.rest()
	studio.Fault(livepeertest.Always(livepeertest.RateLimited("3600")))
	p.of().rechecks.PollSoon()
	g.Expect(p.rest().Outcome.Reason).To(Equal(v1alpha1.ReasonRateLimited))
	asked, connect := len(studio.Requests()), p.engine.Connect
	again := func(reason string) {
		p.of().StepSoon()
		report := p.step()
		g.Expect([]any{report.Judged, report.Outcome.Reason}).To(Equal([]any{true, reason}))
		g.Expect(p.until()).To(BeNumerically(">", 50*time.Minute))
	}
	p.engine.Connect = func(context.Context, *v1alpha1.LivepeerTaskSource) (*Connection, error) {
		return nil, &condition.Error{Reason: v1alpha1.ReasonSecretNotFound, Stalled: true, Message: "none"}
	}
	again(v1alpha1.ReasonSecretNotFound)
	p.engine.Connect = connect
	again(v1alpha1.ReasonRateLimited)
	g.Expect(studio.Requests()).To(HaveLen(asked))
}

// TestWritingIsNotSilence: Studio is not to blame for what the Kubernetes API server takes long for.
func TestWritingIsNotSilence(t *testing.T) {
	g := NewWithT(t)
	p := newProcess(t, kubetest.NewAPI("http://127.0.0.1:1"), time.Now)
	p.step()
	s, late := p.of(), time.Now().Add(time.Hour)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step = &step{began: time.Now()}
	silent, _ := s.next(late)
	g.Expect(silent).NotTo(BeNil())
	s.Storing(func() { silent, _ = s.next(late) })
	g.Expect(silent).To(BeNil())
	s.step = nil
}

// TestAFailureIsToldInTheSameWords: an API that answers an error, or nothing, for long is not called silent as soon as it is asked again; only
// after three more intervals, and the message has when it answered last.
func TestAFailureIsToldInTheSameWords(t *testing.T) {
	for name, last := range map[string]time.Duration{"an error": time.Hour, "nothing": 0} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			studio := livepeertest.NewServer()
			server := httptest.NewServer(studio)
			defer server.Close()
			var later atomic.Int64
			began := time.Now()
			now := func() time.Time { return began.Add(time.Duration(later.Load())) }
			p := newProcess(t, kubetest.NewAPI(server.URL), now)
			p.rest()
			if studio.Fault(livepeertest.Always(livepeertest.HTML(http.StatusBadGateway))); last == 0 {
				server.Close()
			}
			later.Store(int64(time.Hour))
			g.Expect(p.step().Outcome.Reason).To(Equal(v1alpha1.ReasonUnavailable))
			s := p.of()
			s.mu.Lock()
			defer s.mu.Unlock()
			patience := missedIntervals * s.spec.Spec.Interval.Duration
			s.step = &step{began: now()}
			defer func() { s.step = nil }()
			silent, _ := s.next(now().Add(patience - time.Second))
			g.Expect(silent).To(BeNil())
			silent, _ = s.next(now().Add(patience))
			g.Expect(silent).NotTo(BeNil())
			g.Expect(silent.Message).To(ContainSubstring(began.Add(last).UTC().Format(time.RFC3339)))
		})
	}
}

// TestReadingASecretIsNotSilence: Studio is not to blame for what the Kubernetes API server takes to show the Secret.
func TestReadingASecretIsNotSilence(t *testing.T) {
	g := NewWithT(t)
	var later time.Duration
	p := newProcess(t, kubetest.NewAPI("http://127.0.0.1:1"), func() time.Time { return time.Now().Add(later) })
	p.step()
	s := p.of()
	silent := func() *condition.Error {
		s.mu.Lock()
		defer s.mu.Unlock()
		silent, _ := s.next(s.engine.Clock.Now())
		return silent
	}
	s.mu.Lock()
	s.step = &step{began: s.engine.Clock.Now()}
	s.mu.Unlock()
	p.engine.Connect = func(context.Context, *v1alpha1.LivepeerTaskSource) (*Connection, error) {
		later = time.Hour
		g.Expect(silent()).To(BeNil())
		return nil, errors.New("late")
	}
	_, err := s.connect(t.Context(), p.source())
	g.Expect(err).To(HaveOccurred())
	s.connected("")
	g.Expect(silent()).To(BeNil(), "Studio is asked from now on")
	later += time.Hour
	g.Expect(silent()).NotTo(BeNil())
	s.mu.Lock()
	s.step = nil
	s.mu.Unlock()
}

// TestTheLongestInterval: that which the schema takes is no time without an answer, and makes no work.
func TestTheLongestInterval(t *testing.T) {
	g := NewWithT(t)
	longest, err := time.ParseDuration("999999h9999999m999999999s999999999ms")
	g.Expect(err).NotTo(HaveOccurred())
	api := kubetest.NewAPI("http://127.0.0.1:1")
	api.Source.Spec.Interval.Duration, api.Source.Spec.ResyncInterval.Duration = longest, longest
	p := newProcess(t, api, time.Now)
	p.step()
	s := p.of()
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	s.step = &step{began: began}
	defer func() { s.step = nil }()
	for _, later := range []time.Duration{0, time.Hour, 24 * 365 * time.Hour} {
		silent, after := s.next(began.Add(later))
		g.Expect(silent).To(BeNil())
		g.Expect(after).To(BeNumerically(">", time.Hour))
	}
}
