// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const (
	testSecret = "0123456789abcdef0123456789abcdef"
	testPath   = "/hooks/media/main"
)

// sources stands in for the operator: one source, media/main.
type sources struct {
	mu       sync.Mutex
	notified []Notification
	stale    int
	asked    int // how often a secret was asked for
	unwell   bool
	some     bool // only some of the sources are known
	arriving bool // all are, as soon as a secret was asked for
	full     bool
}

func (s *sources) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.unwell
}

func (s *sources) Complete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.some
}

func (s *sources) Secret(source Source) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.some = s.some && !s.arriving
	return []byte(testSecret), source == Source{Namespace: "media", Name: "main"}
}

func (s *sources) Notify(notification Notification) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return errors.New("full")
	}
	s.notified = append(s.notified, notification)
	return nil
}

func (s *sources) Stale(Source, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale++
}

func (s *sources) notifications() []Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Notification(nil), s.notified...)
}

// bench is a receiver's handler with one source.
type bench struct {
	Gomega
	*sources
	handler *handler
	counter *prometheus.CounterVec
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Gomega: NewWithT(t), sources: &sources{}}
	var err error
	b.counter, err = newCounter(prometheus.NewRegistry())
	b.Expect(err).NotTo(HaveOccurred())
	b.handler = newHandler(&Config{Sources: b.sources}, b.counter)
	return b
}

func (b *bench) count(r result) float64 {
	return testutil.ToFloat64(b.counter.WithLabelValues(r.label()))
}

// delivery is a request that can be spoiled.
type delivery struct {
	method, path, contentType, signature, body, from string
	header                                           http.Header
}

// signed is a delivery as Studio makes it.
func signed(id, task string, at time.Time) *delivery {
	body := fmt.Sprintf(`{"id":%q,"webhookId":"w","createdAt":1,"timestamp":%d,"event":"task.updated","payload":{"task":`+
		`{"id":%q,"type":"upload","snapshot":{"id":%[3]q,"status":{"phase":"running","updatedAt":%d}}}}}`,
		id, at.UnixMilli(), task, at.UnixMilli())
	return signedBody(body)
}

func signedBody(body string) *delivery {
	return &delivery{
		method: http.MethodPost, path: testPath, contentType: "application/json", body: body, from: "192.0.2.1:1000",
		signature: "t=1,v1=" + signature(body, testSecret), header: http.Header{},
	}
}

func signature(body, secret string) string {
	hash := hmac.New(sha256.New, []byte(secret))
	hash.Write([]byte(body))
	return hex.EncodeToString(hash.Sum(nil))
}

func (d *delivery) request(ctx context.Context) *http.Request {
	request := httptest.NewRequestWithContext(ctx, d.method, "http://receiver"+d.path, strings.NewReader(d.body))
	request.RemoteAddr, request.Header = d.from, d.header.Clone()
	request.Header.Set("Content-Type", d.contentType)
	if d.signature != "" {
		request.Header.Set(headerSignature, d.signature)
	}
	return request
}

// send has a delivery answered.
func (b *bench) send(d *delivery) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	b.handler.ServeHTTP(answer, d.request(context.Background()))
	return answer
}

func TestAGenuineDeliveryIsAHint(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	b.Expect(b.send(signed("e1", "task-1", now)).Code).To(Equal(http.StatusAccepted))
	notified := b.notifications()
	b.Expect(notified).To(HaveLen(1))
	b.Expect(notified[0].Source).To(Equal(Source{Namespace: "media", Name: "main"}))
	b.Expect(notified[0].TaskID).To(Equal("task-1"))
	b.Expect(notified[0].UpdatedAt).To(Equal(now.UnixMilli()))
	b.Expect(notified[0].Received).To(BeTemporally("~", now, time.Minute))
	b.Expect(notified[0].Source.Path()).To(Equal(testPath))

	b.Expect(b.send(signed("e1", "task-1", now)).Code).To(Equal(http.StatusAccepted))
	b.Expect(b.notifications()).To(HaveLen(1), "the same attempt again")
	b.Expect(b.send(signed("e2", "task-1", now)).Code).To(Equal(http.StatusAccepted))
	b.Expect(b.notifications()).To(HaveLen(2))
	b.Expect(b.send(signed("e1", "task-1", now.Add(time.Second))).Code).To(Equal(http.StatusAccepted))
	b.Expect(b.notifications()).To(HaveLen(3), "the same event, sent again at another time")
	b.Expect(b.count(accepted)).To(Equal(3.0))
	b.Expect(b.count(repeated)).To(Equal(1.0))
}

// An event that could not be handed on is not one that was.
func TestWhatIsNotQueuedMayComeAgain(t *testing.T) {
	b := newBench(t)
	b.full = true
	answer := b.send(signed("e1", "task-1", time.Now()))
	b.Expect(answer.Code).To(Equal(http.StatusServiceUnavailable))
	b.Expect(answer.Header().Get("Retry-After")).To(Equal(retryAfter))
	b.full = false
	b.Expect(b.send(signed("e1", "task-1", time.Now())).Code).To(Equal(http.StatusAccepted))
	b.Expect(b.notifications()).To(HaveLen(1))
}

// A body that did not arrive in time may be a genuine one's, on a slow way or to a receiver that has much to do: it may come again.
func TestWhatDidNotArriveMayComeAgain(t *testing.T) {
	b := newBench(t)
	request := signed("e1", "task-1", time.Now()).request(t.Context())
	request.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), iotest.ErrReader(os.ErrDeadlineExceeded)))
	answer := httptest.NewRecorder()
	b.handler.ServeHTTP(answer, request)
	b.Expect(answer.Code).To(Equal(http.StatusServiceUnavailable))
	b.Expect(answer.Header().Get("Retry-After")).To(Equal(retryAfter))
	b.Expect(b.count(unreadable)).To(Equal(1.0))
	b.Expect(b.notifications()).To(BeEmpty())
}

// While not all sources are known, and while it stops, nothing is refused for good, whatever the path.
func TestNothingIsRefusedTooEarly(t *testing.T) {
	b := newBench(t)
	for _, set := range []func(bool){func(on bool) { b.unwell = on }, b.handler.stopping.Store} {
		set(true)
		for _, path := range []string{testPath, "/hooks/media/other", "/"} {
			d := signed("e", "t", time.Now())
			d.path = path
			b.Expect(b.send(d).Code).To(Equal(http.StatusServiceUnavailable))
		}
		set(false)
	}
	b.Expect(b.asked).To(BeZero())
}

func TestRejections(t *testing.T) {
	now := time.Now()
	with := func(change func(*delivery)) *delivery {
		d := signed("e", "task-1", now)
		change(d)
		return d
	}
	timed := func(timestamp string) *delivery {
		return signedBody(`{"id":"e","timestamp":` + timestamp + `,"event":"task.updated","payload":{"task":{"id":"a"}}}`)
	}
	about := func(event, payload string) *delivery {
		return signedBody(fmt.Sprintf(`{"id":"e","timestamp":%d,"event":%s,"payload":%s}`, now.UnixMilli(), event, payload))
	}
	for name, c := range map[string]struct {
		delivery *delivery
		result   result
		status   int
	}{
		"GET":             {with(func(d *delivery) { d.method = http.MethodGet }), wrongMethod, http.StatusMethodNotAllowed},
		"GET elsewhere":   {with(func(d *delivery) { d.method, d.path = "GET", "/" }), wrongMethod, http.StatusMethodNotAllowed},
		"form":            {with(func(d *delivery) { d.contentType = "application/x-www-form-urlencoded" }), wrongType, http.StatusUnsupportedMediaType},
		"form elsewhere":  {with(func(d *delivery) { d.contentType, d.path = "text/plain", "/x" }), wrongType, http.StatusUnsupportedMediaType},
		"no content type": {with(func(d *delivery) { d.contentType = "" }), wrongType, http.StatusUnsupportedMediaType},
		"charset":         {with(func(d *delivery) { d.contentType = "application/json; charset=utf-8" }), accepted, http.StatusAccepted},
		"too large":       {with(func(d *delivery) { d.body += strings.Repeat(" ", maxBody) }), tooLarge, http.StatusRequestEntityTooLarge},
		"too large, elsewhere": {with(func(d *delivery) { d.path, d.body = "/x", strings.Repeat(" ", maxBody+1) }), tooLarge,
			http.StatusRequestEntityTooLarge},
		"unknown source":    {with(func(d *delivery) { d.path = "/hooks/media/other" }), unauthorized, http.StatusUnauthorized},
		"unknown namespace": {with(func(d *delivery) { d.path = "/hooks/other/main" }), unauthorized, http.StatusUnauthorized},
		"unknown path":      {with(func(d *delivery) { d.path = "/media/main" }), unauthorized, http.StatusUnauthorized},
		"longer path":       {with(func(d *delivery) { d.path += "/more" }), unauthorized, http.StatusUnauthorized},
		"shorter path":      {with(func(d *delivery) { d.path = "/hooks/media" }), unauthorized, http.StatusUnauthorized},
		"no signature":      {with(func(d *delivery) { d.signature = "" }), unauthorized, http.StatusUnauthorized},
		"empty signature":   {with(func(d *delivery) { d.signature = "t=1,v1=" }), unauthorized, http.StatusUnauthorized},
		"another secret":    {with(func(d *delivery) { d.signature = "t=1,v1=" + signature(d.body, "x"+testSecret) }), unauthorized, http.StatusUnauthorized},
		"another version":   {with(func(d *delivery) { d.signature = strings.ReplaceAll(d.signature, "v1", "v2") }), unauthorized, http.StatusUnauthorized},
		"another body":      {with(func(d *delivery) { d.body = strings.Replace(d.body, "task-1", "task-2", 1) }), unauthorized, http.StatusUnauthorized},
		"header time only":  {with(func(d *delivery) { d.signature = strings.Replace(d.signature, "t=1", "t=99", 1) }), accepted, http.StatusAccepted},
		"old":               {signed("e", "t", now.Add(-freshness-time.Minute)), stale, http.StatusUnauthorized},
		"of the future":     {signed("e", "t", now.Add(freshness+time.Minute)), stale, http.StatusUnauthorized},
		"a little old":      {signed("e", "t", now.Add(-freshness+time.Minute)), accepted, http.StatusAccepted},
		"without a time":    {timed("null"), malformed, http.StatusUnauthorized},
		"time as a string":  {timed(fmt.Sprintf("%q", fmt.Sprint(now.UnixMilli()))), malformed, http.StatusUnauthorized},
		"time 1e300":        {timed("1e300"), malformed, http.StatusUnauthorized},
		"negative time":     {timed("-1"), malformed, http.StatusUnauthorized},
		"no JSON":           {signedBody("hello"), malformed, http.StatusUnauthorized},
		"empty":             {signedBody(""), malformed, http.StatusUnauthorized},
		"a list":            {signedBody("[]"), malformed, http.StatusUnauthorized},
		"another event":     {about(`"stream.started"`, `{"task":{"id":"a"}}`), ignored, http.StatusAccepted},
		"event a number":    {about(`1`, `{"task":{"id":"a"}}`), ignored, http.StatusAccepted},
		"no task":           {about(`"task.updated"`, `null`), ignored, http.StatusAccepted},
		"task a list":       {about(`"task.updated"`, `{"task":[]}`), ignored, http.StatusAccepted},
		"id a number":       {about(`"task.updated"`, `{"task":{"id":7}}`), ignored, http.StatusAccepted},
		"id ..":             {about(`"task.updated"`, `{"task":{"id":".."}}`), ignored, http.StatusAccepted},
		"id too long":       {about(`"task.updated"`, `{"task":{"id":"`+strings.Repeat("a", maxTaskID+1)+`"}}`), ignored, http.StatusAccepted},
		"odd snapshot":      {about(`"task.failed"`, `{"task":{"id":"a","snapshot":[1]}}`), accepted, http.StatusAccepted},
	} {
		b := newBench(t)
		answer := b.send(c.delivery)
		b.Expect(answer.Code).To(Equal(c.status), name)
		b.Expect(b.count(c.result)).To(Equal(1.0), name)
		b.Expect(len(b.notifications()) > 0).To(Equal(c.result == accepted), name)
		b.Expect(testutil.CollectAndCount(b.counter)).To(Equal(10), "results that docs/push.md does not name: %s", name)
		if c.status == http.StatusUnauthorized {
			refused := b.send(with(func(d *delivery) { d.signature = "" }))
			b.Expect(answer.Body.Bytes()).To(Equal(refused.Body.Bytes()), name)
			b.Expect(answer.Header()).To(Equal(refused.Header()), name)
		}
		b.Expect(bytes.Contains(answer.Body.Bytes(), []byte("media"))).To(BeFalse(), name)
	}
}

// TestUpdateTimeWithinReason: the snapshot's time is Studio's word on what to wait for, within reason. Its clock may be ahead of ours.
func TestUpdateTimeWithinReason(t *testing.T) {
	signed := time.Now().Add(4 * time.Minute)
	for raw, wanted := range map[string]int64{
		fmt.Sprint(signed.UnixMilli()):                   signed.UnixMilli(),
		fmt.Sprint(signed.Add(maxAhead).UnixMilli()):     signed.Add(maxAhead).UnixMilli(),
		fmt.Sprint(signed.Add(2 * maxAhead).UnixMilli()): 0,
		"1e300": 0, "-5": 0, `"1700000000000"`: 0, "null": 0,
	} {
		body := fmt.Sprintf(`{"timestamp":%d,"payload":{"task":{"id":"a","snapshot":{"status":{"updatedAt":%s}}}}}`, signed.UnixMilli(), raw)
		event, err := parseEvent([]byte(body))
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		NewWithT(t).Expect(event.updatedAt()).To(Equal(wanted), raw)
		NewWithT(t).Expect(event.taskID).To(Equal("a"), raw)
	}
}
