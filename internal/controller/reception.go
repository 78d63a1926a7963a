// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

const (
	// minWebhookSecret is the shortest shared secret, in bytes, that can't be guessed if it is random.
	minWebhookSecret = 16
	// staleInARow deliveries that were signed long ago, with none in time between them, speak for a clock that is wrong, and
	// not for a replay. It is said at most once in staleTold.
	staleInARow = 3
	staleTold   = 30 * time.Minute
	// admitAtOnce bounds the Secrets that are read at once when this replica begins to lead.
	admitAtOnce = 16

	reasonStaleWebhook = "StaleWebhooks"
)

// reception is what the sources have to do with the receiver of webhooks.
type reception struct {
	on     bool // there is a receiver
	events *events.Log

	mu sync.Mutex
	// awaited are the sources that were there when this replica began to lead, and whose Secret it has not tried to read since.
	awaited map[types.NamespacedName]struct{}
	listed  bool
	claims  claims
	stale   map[types.NamespacedName]*staleness
	warned  map[types.NamespacedName]string // what an Event was last made of
}

// staleness is how many deliveries of a source came too late, or too early, since one came in time.
type staleness struct {
	inARow int
	told   time.Time
}

// await says which sources there are, and returns them.
func (r *reception) await(ctx context.Context, sources client.Reader) ([]types.NamespacedName, error) {
	list := &v1alpha1.LivepeerTaskSourceList{}
	if err := sources.List(ctx, list); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited, r.listed = map[types.NamespacedName]struct{}{}, true
	for i := range list.Items {
		r.awaited[client.ObjectKeyFromObject(&list.Items[i])] = struct{}{}
	}
	return slices.Collect(maps.Keys(r.awaited)), nil
}

// admit has the sources that were there arrive, without waiting for their turns: these wait for APIs, and many that hang
// would hold up the others' webhooks.
func (r *SourceReconciler) admit(ctx context.Context, sources []types.NamespacedName) {
	if !r.reception.on {
		return
	}
	var group errgroup.Group
	group.SetLimit(admitAtOnce)
	for _, key := range sources {
		group.Go(func() error {
			source := &v1alpha1.LivepeerTaskSource{}
			if err := r.client.Get(ctx, key, source); err == nil && !source.Spec.Suspend {
				_, _, _ = r.meet(ctx, source) // what is wrong with it is for its turn to say
			}
			r.reception.arrived(key)
			if err := r.client.Get(ctx, key, source); apierrors.IsNotFound(err) || source.Spec.Suspend {
				r.forget(key) // it went meanwhile
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
}

// meet opens the session of a source.
func (r *SourceReconciler) meet(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*session, string, error) {
	session, fingerprint, err := r.sessions.get(ctx, source)
	r.claimWebhook(source)
	// However that ended: one source that can't have a session, or not yet, must not keep the webhooks of all others out.
	r.reception.arrived(client.ObjectKeyFromObject(source))
	return session, fingerprint, err
}

// arrived says that a source has its session, or has none for now. It may well get one later; until then its own webhooks
// are refused, and polling makes up for that.
func (r *reception) arrived(source types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.awaited, source)
}

// ready reports whether all sources that were there have arrived.
func (r *reception) ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.listed && len(r.awaited) == 0
}

// forget drops what is known of a source.
func (r *reception) forget(source types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.awaited, source)
	delete(r.stale, source)
	delete(r.warned, source)
}

// news reports whether an Event is to be made of something: whether the last one was not.
func (r *reception) news(source types.NamespacedName, about string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.warned == nil {
		r.warned = map[types.NamespacedName]string{}
	}
	before := r.warned[source]
	r.warned[source] = about
	return before != about
}

// inTime notes a delivery that came in time.
func (r *reception) inTime(source types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.stale, source)
}

// tooLate notes a delivery that did not, and reports whether it is time to say so.
func (r *reception) tooLate(source types.NamespacedName, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stale == nil {
		r.stale = map[types.NamespacedName]*staleness{}
	}
	of, ok := r.stale[source]
	if !ok {
		of = &staleness{}
		r.stale[source] = of
	}
	of.inARow++
	if of.inARow < staleInARow || !of.told.IsZero() && now.Sub(of.told) < staleTold {
		return false
	}
	of.told = now
	return true
}

// warn writes a warning on a source: one for each identity.
func (r *reception) warn(source *v1alpha1.LivepeerTaskSource, reason, note string, identity ...any) {
	r.events.Tell("LivepeerTaskSource", source, &events.Event{
		Action: events.Receiving, Reason: reason, Note: note, Warning: true, Identity: identity,
	})
}

// sharedSecret is the secret that a source shares with Studio, as its Secret holds it.
type sharedSecret struct {
	secret  studio.Key       // a type that is never printed; empty where there is none that can be used
	trouble *condition.Error // why the entry can't be used
}

func (w *sharedSecret) usable() bool { return w.secret.Reveal() != "" }

func webhookOf(secret *corev1.Secret) sharedSecret {
	raw, present := secret.Data[secretKeyWebhookSecret]
	usable := bytes.TrimSpace(raw)
	switch {
	case !present:
		return sharedSecret{}
	case len(usable) == 0:
		return unusableWebhook(secret.Name, "it is empty")
	case len(usable) < minWebhookSecret:
		return unusableWebhook(secret.Name, "it is shorter than 16 characters, and could be guessed")
	}
	return sharedSecret{secret: studio.NewKey(string(usable))}
}

func unusableWebhook(secret, why string) sharedSecret {
	return sharedSecret{trouble: &condition.Error{Reason: v1alpha1.ReasonInvalidWebhookSecret, Message: fmt.Sprintf(
		"%s in Secret %q can't be used: %s. Webhooks are not received, and polling goes on. Store the shared secret of Studio's "+
			"webhook, 16 random characters or more, here and in Studio, or remove the entry", secretKeyWebhookSecret, secret, why)}}
}

// sharedSecret returns the secret by which webhooks for a source are received, or why they are not.
func (r *SourceReconciler) sharedSecret(key types.NamespacedName) sharedSecret {
	open, ok := r.sessions.Current(key)
	if !ok {
		return sharedSecret{}
	}
	owner := r.reception.claims.owner(key)
	if !open.webhook.usable() || owner == key {
		return open.webhook
	}
	other := "another LivepeerTaskSource of this operator"
	if owner.Namespace == key.Namespace { // who is elsewhere is nobody's business
		other = fmt.Sprintf("LivepeerTaskSource %q", owner.Name)
	}
	return sharedSecret{trouble: &condition.Error{Reason: v1alpha1.ReasonSharedWebhookSecret, Message: fmt.Sprintf(
		"%s has the same %s, and had it first. Webhooks are not received, and polling goes on. Give this source a secret of its own: "+
			"store another one in a Secret of its own, and in Studio", other, secretKeyWebhookSecret)}}
}

// claimWebhook notes which secret a source has now, and gives those a turn to which that makes a difference.
func (r *SourceReconciler) claimWebhook(source *v1alpha1.LivepeerTaskSource) {
	var secret studio.Key
	if open, ok := r.sessions.Current(client.ObjectKeyFromObject(source)); ok {
		secret = open.webhook.secret
	}
	for _, other := range r.reception.claims.set(source, secret) {
		r.wake(other)
	}
}

// setReceiving says in a source's status whether its webhooks are received, and where. What is not known yet, as after a
// restart, stays as it was.
func (r *SourceReconciler) setReceiving(source *v1alpha1.LivepeerTaskSource) {
	if r.reception.on && !r.reception.ready() {
		return
	}
	key := client.ObjectKeyFromObject(source)
	source.Status.Receiver = nil
	condition := metav1.Condition{Type: v1alpha1.ConditionReceiving, ObservedGeneration: source.Generation}
	hook := r.sharedSecret(key)
	switch {
	case r.reception.on && hook.trouble != nil && !source.Spec.Suspend:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, hook.trouble.Reason, hook.trouble.Message
	case r.reception.on && hook.usable() && !source.Spec.Suspend:
		source.Status.Receiver = &v1alpha1.ReceiverStatus{Path: webhook.Source{Namespace: key.Namespace, Name: key.Name}.Path()}
		condition.Status, condition.Reason = metav1.ConditionTrue, v1alpha1.ReasonListening
		condition.Message = "Webhooks are received at " + source.Status.Receiver.Path
	default:
		meta.RemoveStatusCondition(&source.Status.Conditions, v1alpha1.ConditionReceiving)
		return
	}
	meta.SetStatusCondition(&source.Status.Conditions, condition)
}

// checkWebhook says in an Event, once for each Secret, that its webhookSecret can't be used.
func (r *SourceReconciler) checkWebhook(source *v1alpha1.LivepeerTaskSource, fingerprint string) {
	trouble := r.sharedSecret(client.ObjectKeyFromObject(source)).trouble
	if !r.reception.on || trouble == nil || !r.reception.ready() {
		return
	}
	if about := fingerprint + trouble.Reason; r.reception.news(client.ObjectKeyFromObject(source), about) {
		r.reception.warn(source, trouble.Reason, trouble.Message, about)
	}
}
