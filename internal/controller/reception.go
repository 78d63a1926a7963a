// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
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

	eventAction        = "Receive"
	reasonInvalidHook  = "InvalidWebhookSecret"
	reasonStaleWebhook = "StaleWebhooks"
)

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// reception is what the sources have to do with the receiver of webhooks.
type reception struct {
	on     bool // there is a receiver
	events events.EventRecorder

	mu sync.Mutex
	// awaited are the sources that were there when this replica began to lead, and whose Secret it has not tried to read since.
	awaited map[types.NamespacedName]struct{}
	listed  bool
	stale   map[types.NamespacedName]*staleness
}

// staleness is how many deliveries of a source came too late, or too early, since one came in time.
type staleness struct {
	inARow int
	told   time.Time
}

// await says which sources there are.
func (r *reception) await(ctx context.Context, sources client.Reader) error {
	list := &v1alpha1.LivepeerTaskSourceList{}
	if err := sources.List(ctx, list); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited, r.listed = map[types.NamespacedName]struct{}{}, true
	for i := range list.Items {
		r.awaited[sourceKey(&list.Items[i])] = struct{}{}
	}
	return nil
}

// arrived says that a source has its session, or has none for now. It may well get one later; until then its own webhooks
// are refused, and polling makes up for that. It reports whether webhooks wait for that.
func (r *reception) arrived(source types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, first := r.awaited[source]
	delete(r.awaited, source)
	return first && r.on
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

// warn records an Event on a source.
func (r *reception) warn(source *v1alpha1.LivepeerTaskSource, reason, note string, args ...any) {
	if r.events == nil {
		return
	}
	// Without the resourceVersion, so that the same trouble is one Event that counts.
	regarding := &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "LivepeerTaskSource",
		Namespace: source.Namespace, Name: source.Name, UID: source.UID,
	}
	r.events.Eventf(regarding, nil, corev1.EventTypeWarning, reason, eventAction, note, args...)
}

// sharedSecret is the secret that a source shares with Studio, as its Secret holds it.
type sharedSecret struct {
	usable  bool
	secret  studio.Key // a type that is never printed
	trouble string     // why the entry can't be used
}

func webhookOf(secret *corev1.Secret) sharedSecret {
	raw, present := secret.Data[secretKeyWebhookSecret]
	usable := bytes.TrimSpace(raw)
	switch {
	case !present:
		return sharedSecret{}
	case len(usable) == 0:
		return sharedSecret{trouble: "it is empty"}
	case len(usable) < minWebhookSecret:
		return sharedSecret{trouble: "it is shorter than 16 characters, and could be guessed"}
	}
	return sharedSecret{usable: true, secret: studio.NewKey(string(usable))}
}

// receivedAt is where Studio may send the webhooks for a source, nil where they are not received.
func (r *SourceReconciler) receivedAt(source *v1alpha1.LivepeerTaskSource) *v1alpha1.ReceiverStatus {
	key := sourceKey(source)
	if open := r.sessions.current(key); !r.reception.on || source.Spec.Suspend || open == nil || !open.webhook.usable {
		return nil
	}
	return &v1alpha1.ReceiverStatus{Path: webhook.Source{Namespace: key.Namespace, Name: key.Name}.Path()}
}

// checkWebhook says once for each Secret that its webhookSecret can't be used. Polling goes on.
func (r *SourceReconciler) checkWebhook(source *v1alpha1.LivepeerTaskSource, session *session, state *progress) {
	if !r.reception.on || session.webhook.trouble == "" || state.warned == session.fingerprint {
		return
	}
	state.warned = session.fingerprint
	r.reception.warn(source, reasonInvalidHook, "%s in Secret %q can't be used: %s. Webhooks are not received, and polling goes "+
		"on. Store the shared secret of Studio's webhook, 16 random characters or more, or remove the entry",
		secretKeyWebhookSecret, source.Spec.SecretRef.Name, session.webhook.trouble)
}
