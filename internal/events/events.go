// SPDX-License-Identifier: Apache-2.0

package events

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
)

const (
	// Events wait in memory until they are written: at most eventQueue, and namespaceQueue of one namespace. They are written at
	// eventRate a second after a burst; namespaces take turns. Mirroring never waits for them: if there are too many, Events of the
	// namespace that has most are dropped and counted.
	eventQueue     = 3000
	namespaceQueue = 2000

	eventRate    = 100
	eventBurst   = 500
	eventWriters = 4
	// eventAttempts bounds the attempts to write an Event while the API server is not ready, with a pause that doubles.
	eventAttempts = 5
	eventPause    = time.Second
	// eventDrainTimeout bounds how long a process that ends goes on to write the Events that wait.
	eventDrainTimeout = 5 * time.Second
	// droppedTold bounds how often the log says that Events were dropped.
	droppedTold = time.Minute

	// Limits of the API server.
	maxEventName     = 253
	maxEventNote     = 1024
	maxEventReporter = 128
)

// Source names the operator in Events.
const Source = "livepeer-task-operator"

// Log writes Events, each once: the name of an Event is made from its content. The recorder of client-go would
// count two Events as one if only their notes differ, write another one after a restart of the operator, and keep any number in
// memory.
type Log struct {
	client   client.Client
	limiter  *rate.Limiter
	instance string
	dropped  prometheus.Counter
	log      logr.Logger

	come    chan struct{} // has an element for each Event that waits
	mu      sync.Mutex
	waiting *fair.Line[*eventsv1.Event]
	told    time.Time
	since   int // dropped since the log last said so
}

// NewLog returns a log that writes once it is started.
func NewLog(c client.Client, registry prometheus.Registerer, logger logr.Logger) (*Log, error) {
	dropped, err := metrics.Register(registry, metrics.NewCounter(metrics.EventsDropped))
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // without one, the operator's name has to do
	return &Log{
		client: c, come: make(chan struct{}, eventQueue), waiting: fair.NewLine[*eventsv1.Event](),
		limiter:  rate.NewLimiter(eventRate, eventBurst),
		instance: condition.Bounded(strings.TrimSuffix(Source+"-"+host, "-"), maxEventReporter-len("...")),
		dropped:  dropped.WithLabelValues(), log: logger,
	}, nil
}

// Actions of Events: what the operator was doing.
const (
	Mirroring = "Mirror"
	Receiving = "Receive"
	Sending   = "Send"
)

// Event is the content of an Event.
type Event struct {
	Action, Reason, Note string
	Warning              bool
	// Identity identifies what the Event reports. An object has at most one Event for each reason and identity.
	Identity []any
}

// Tell queues an Event on an object.
func (l *Log) Tell(kind string, object client.Object, what *Event) {
	if l == nil {
		return
	}
	now := metav1.NowMicro()
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: object.GetNamespace(), Name: eventName(object, what.Reason, what.Identity),
		},
		EventTime: now, ReportingController: Source, ReportingInstance: l.instance,
		Action: what.Action, Reason: what.Reason, Type: corev1.EventTypeNormal,
		Regarding: corev1.ObjectReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName(),
			UID: object.GetUID(), ResourceVersion: object.GetResourceVersion(),
		},
		Note: condition.Bounded(what.Note, maxEventNote-len("...")),
	}
	if what.Warning {
		event.Type = corev1.EventTypeWarning
	}
	if !l.enqueue(event) {
		l.drop(nil)
	}
}

// enqueue queues an Event, and reports whether none was dropped for it. If its namespace has no room, it is dropped; if there is none at
// all, the last Event of the namespace that has most is.
func (l *Log) enqueue(event *eventsv1.Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting.Of(event.Namespace) >= namespaceQueue {
		return false
	}
	if l.waiting.Push(event.Namespace, event); l.waiting.Len() > eventQueue {
		l.waiting.Shed()
		return false
	}
	l.come <- struct{}{} // never blocks: its capacity is eventQueue
	return true
}

// next removes the Event whose turn it is. One has to wait.
func (l *Log) next() *eventsv1.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting.Pop()
}

// eventName returns the same name for the same object, reason and identity, and different names otherwise.
func eventName(object client.Object, reason string, identity []any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", object.GetUID(), reason, fmt.Sprint(identity...)))
	suffix := fmt.Sprintf(".%x", sum[:10])
	name := object.GetName()
	name = strings.TrimRight(name[:min(len(name), maxEventName-len(suffix))], ".-")
	return name + suffix
}

// Start writes Events until the operator stops, and then what still waits.
func (l *Log) Start(ctx context.Context) error {
	rest, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(eventDrainTimeout, cancel) })()
	var group errgroup.Group
	for range eventWriters {
		group.Go(func() error {
			for {
				select {
				case <-l.come:
					l.write(rest, l.next())
				case <-ctx.Done():
					l.drain(rest)
					return nil
				}
			}
		})
	}
	return group.Wait()
}

func (l *Log) drain(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-l.come:
			l.write(ctx, l.next())
		default:
			return
		}
	}
}

// write stores an Event, unless it exists already.
func (l *Log) write(ctx context.Context, event *eventsv1.Event) {
	if err := l.limiter.Wait(ctx); err != nil {
		l.drop(err)
		return
	}
	pause := eventPause
	for attempt := 1; ; attempt++ {
		err := l.client.Create(ctx, event)
		if err == nil || apierrors.IsAlreadyExists(err) {
			return
		}
		if Answered(err) && !apierrors.IsTooManyRequests(err) || attempt == eventAttempts {
			l.drop(err)
			return
		}
		select {
		case <-ctx.Done():
			l.drop(err)
			return
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// drop counts an Event that will not be written, and logs that now and then.
func (l *Log) drop(err error) {
	l.dropped.Inc()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since++
	if now := time.Now(); now.Sub(l.told) >= droppedTold {
		reason := "too many at once"
		if err != nil {
			reason = err.Error()
		}
		l.log.Info("Events were dropped", "events", l.since, "last", reason)
		l.told, l.since = now, 0
	}
}

// Answered reports whether an error is an answer of the API server by which it has stored nothing.
func Answered(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= http.StatusBadRequest && status.Status().Code < http.StatusInternalServerError
}
