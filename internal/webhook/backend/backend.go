// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

const (
	// After staleInARow deliveries in a row with a wrong time, a clock is probably wrong, rather than somebody replaying deliveries.
	// An Event says so, at most once in staleTold.
	staleInARow = 3
	staleTold   = 30 * time.Minute
	// admitAtOnce bounds the Secrets of one namespace that are read at once when this replica begins to lead.
	admitAtOnce = 4

	reasonStaleWebhook = "StaleWebhooks"
)

// Config is what a Backend works with.
type Config struct {
	Client client.Reader // of the cache
	Events *events.Log
	// Secret returns the webhook secret of a source's session; the zero value where there is no session.
	Secret func(source types.NamespacedName) Secret
	// Wake requests a reconcile of a source, because another one has taken or given up its secret.
	Wake func(source types.NamespacedName)
	Now  func() time.Time
}

// Backend knows the webhook secrets of the sources.
type Backend struct {
	config Config
	claims claims

	mu sync.Mutex
	// awaited are the sources that existed when this replica began to lead, and whose Secret it has not tried to read yet.
	awaited map[types.NamespacedName]struct{}
	listed  bool // awaited is set
	// shared are those whose secret belonged to an older source, by their condition. That source may still be awaited.
	shared map[types.NamespacedName]struct{}
	stale  map[types.NamespacedName]*staleness
	warned map[types.NamespacedName]string // identity of the last Event of Tell
}

// staleness counts the deliveries of a source with a wrong time, since the last one that came in time.
type staleness struct {
	inARow int
	told   time.Time
}

// New returns a backend that accepts deliveries once Admit was called.
func New(config Config) *Backend {
	return &Backend{config: config, stale: map[types.NamespacedName]*staleness{}, warned: map[types.NamespacedName]string{}}
}

// Admit lists the sources, and returns. In the background, it calls open for each, which reads its Secret: from then on, the
// source's webhooks are accepted. It does not leave that to reconciles, which wait for APIs: many that hang would delay the webhooks
// of others. It calls forget for sources that were deleted or suspended meanwhile.
func (b *Backend) Admit(ctx context.Context, open func(*v1alpha1.LivepeerTaskSource), forget func(types.NamespacedName)) error {
	list := &v1alpha1.LivepeerTaskSourceList{}
	if err := b.config.Client.List(ctx, list); err != nil {
		return err
	}
	b.await(list.Items)
	keys := map[string][]types.NamespacedName{}
	for i := range list.Items {
		key := client.ObjectKeyFromObject(&list.Items[i])
		keys[key.Namespace] = append(keys[key.Namespace], key)
	}
	for _, of := range keys { // one goroutine for each namespace: none waits for another's Secrets
		go func() {
			var group errgroup.Group
			group.SetLimit(admitAtOnce)
			for _, key := range of {
				group.Go(func() error {
					b.admit(ctx, key, open, forget)
					return nil
				})
			}
			_ = group.Wait() // none returns an error
		}()
	}
	return nil
}

// await notes which sources there are.
func (b *Backend) await(sources []v1alpha1.LivepeerTaskSource) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.awaited, b.shared, b.listed = map[types.NamespacedName]struct{}{}, map[types.NamespacedName]struct{}{}, true
	for i := range sources {
		key := client.ObjectKeyFromObject(&sources[i])
		b.awaited[key] = struct{}{}
		is := meta.FindStatusCondition(sources[i].Status.Conditions, v1alpha1.ConditionReceiving)
		if is != nil && is.Reason == v1alpha1.ReasonSharedWebhookSecret {
			b.shared[key] = struct{}{}
		}
	}
}

func (b *Backend) admit(
	ctx context.Context, key types.NamespacedName, open func(*v1alpha1.LivepeerTaskSource), forget func(types.NamespacedName),
) {
	source := &v1alpha1.LivepeerTaskSource{}
	if err := b.config.Client.Get(ctx, key, source); err == nil && !source.Spec.Suspend {
		open(source)
	}
	b.arrived(key)
	if err := b.config.Client.Get(ctx, key, source); apierrors.IsNotFound(err) || source.Spec.Suspend {
		forget(key) // it was deleted or suspended meanwhile
	}
}

// Opened notes that the session of a source was opened, or that this failed: then its own webhooks are refused, and polling makes up for
// that. In both cases it is no longer awaited: a source without a session must not keep out the webhooks of all others.
func (b *Backend) Opened(source *v1alpha1.LivepeerTaskSource) {
	key := client.ObjectKeyFromObject(source)
	others := b.claims.set(source, b.config.Secret(key).value)
	if secret := b.config.Secret(key); !secret.usable() { // its session may have been closed meanwhile, and then nobody forgets it again
		others = append(others, b.claims.drop(key)...)
	}
	for _, other := range others {
		b.config.Wake(other)
	}
	b.arrived(key)
}

func (b *Backend) arrived(source types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.awaited, source)
}

// begun reports whether the sources were listed.
func (b *Backend) begun() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.listed
}

// known reports whether no source is awaited any more.
func (b *Backend) known() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.listed && len(b.awaited) == 0
}

// undecided reports whether the secret of a source may belong to an older source that is still awaited.
func (b *Backend) undecided(source types.NamespacedName) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, shared := b.shared[source]
	return shared && len(b.awaited) > 0
}

// Forget drops what is known of a source.
func (b *Backend) Forget(source types.NamespacedName) {
	b.mu.Lock()
	delete(b.awaited, source)
	delete(b.stale, source)
	delete(b.warned, source)
	delete(b.shared, source)
	b.mu.Unlock()
	for _, other := range b.claims.drop(source) {
		b.config.Wake(other)
	}
}

// Secret returns the secret that a source shares with Studio.
func (b *Backend) Secret(source webhook.Source) ([]byte, bool) {
	key := namespacedName(source)
	secret := b.config.Secret(key)
	if !secret.usable() || b.claims.owner(key) != key || b.undecided(key) {
		return nil, false
	}
	return []byte(secret.value.Reveal()), true
}

// Stale takes in a delivery with a wrong time, and writes an Event if such deliveries keep coming.
func (b *Backend) Stale(source webhook.Source, age time.Duration) {
	key, now := namespacedName(source), b.config.Now()
	if !b.tooLate(key, now) {
		return
	}
	object := &v1alpha1.LivepeerTaskSource{}
	if err := b.config.Client.Get(context.Background(), key, object); err != nil {
		return // deleted meanwhile: the cache never fails otherwise
	}
	b.warn(object, reasonStaleWebhook, fmt.Sprintf("Genuine webhooks are refused because they were signed %s away "+
		"from now; 5 minutes are allowed. Set the clocks of the cluster's nodes right. Polling goes on", age.Abs().Round(time.Second)),
		now.Truncate(staleTold))
}

// inTime notes a delivery that came in time.
func (b *Backend) inTime(source types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.stale, source)
}

// tooLate notes a delivery with a wrong time, and reports whether an Event is due.
func (b *Backend) tooLate(source types.NamespacedName, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	of, ok := b.stale[source]
	if !ok {
		of = &staleness{}
		b.stale[source] = of
	}
	of.inARow++
	if of.inARow < staleInARow || !of.told.IsZero() && now.Sub(of.told) < staleTold {
		return false
	}
	of.told = now
	return true
}

// warn writes a Warning Event on a source, once for each identity.
func (b *Backend) warn(source *v1alpha1.LivepeerTaskSource, reason, note string, identity ...any) {
	b.config.Events.Tell("LivepeerTaskSource", source, &events.Event{
		Action: events.Receiving, Reason: reason, Note: note, Warning: true, Identity: identity,
	})
}

func namespacedName(source webhook.Source) types.NamespacedName {
	return types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
}
