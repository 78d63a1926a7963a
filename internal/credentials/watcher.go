// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"sync"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
)

const (
	// How many Secrets are read at once, for all sources and for those of one namespace. Each may have a megabyte, and a Secret that many
	// sources name is read for each of them, all at the same moment.
	reads          = 32
	namespaceReads = 16
)

// Watcher reads the Secrets that sources refer to. It watches each of them, and only them, and only their versions:
// a changed key is noticed at once, and no Secret is kept in memory. It gets and watches by name and never lists, so
// that a Role can name the Secrets it may read.
type Watcher struct {
	live  client.Reader
	open  OpenWatch
	reads *fair.Gate

	mu sync.Mutex
	//nolint:containedctx // The watches live as long as the controller, not as one request.
	ctx     context.Context
	changed map[string]func(source types.NamespacedName) // by field
	watches map[types.NamespacedName]*secretWatch
	refs    map[ref]types.NamespacedName
}

// ref is a field of a source that names a Secret.
type ref struct {
	source types.NamespacedName
	field  string
}

// secretWatch is what the watch of one Secret has shown. The watcher's lock guards it.
type secretWatch struct {
	stop context.CancelFunc
	// version identifies the content that was last seen; empty if the Secret was deleted, or not seen yet.
	version string
	// known is false until the watch has shown the Secret: for one that does not exist, there is no event.
	known bool
	// turns bounds how often a change is told of, and due says that one is about to be.
	turns *rate.Limiter
	due   bool
}

func newSecretWatch(stop context.CancelFunc) *secretWatch {
	return &secretWatch{stop: stop, turns: rate.NewLimiter(tellRate, tellBurst)}
}

// NewWatcher returns a watcher that watches once it is started.
func NewWatcher(live client.Reader, open OpenWatch) *Watcher {
	return &Watcher{
		live: live, open: open, reads: fair.NewGate(reads, namespaceReads),
		changed: map[string]func(types.NamespacedName){},
		watches: map[types.NamespacedName]*secretWatch{},
		refs:    map[ref]types.NamespacedName{},
	}
}

// Start allows watching until ctx ends.
func (w *Watcher) Start(ctx context.Context) error {
	w.mu.Lock()
	w.ctx = ctx
	w.mu.Unlock()
	<-ctx.Done()
	return nil
}

// onChange sets the callback for sources whose Secret has changed, of those that a field names.
func (w *Watcher) onChange(field string, tell func(source types.NamespacedName)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed[field] = tell
}

// version returns the version of a source's Secret, and begins to watch the Secret. known is false while only reading it
// can tell. The error is that of ctx, which ends before the source is forgotten: it is checked under the lock, so that no watch
// begins for a source that was forgotten already.
func (w *Watcher) version(ctx context.Context, of ref, secret types.NamespacedName) (version string, known bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	watch := w.watch(of, secret)
	if watch == nil || !watch.known {
		return "", false, nil
	}
	return watch.version, true, nil
}

// forget ends the watch of a source's Secret if no other source needs it.
func (w *Watcher) forget(of ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if secret, ok := w.refs[of]; ok {
		delete(w.refs, of)
		w.release(secret)
	}
}

// watch makes sure that the source's Secret is watched. It returns nil before Start. The caller holds the lock.
func (w *Watcher) watch(of ref, secret types.NamespacedName) *secretWatch {
	if w.ctx == nil {
		return nil
	}
	if before, ok := w.refs[of]; !ok || before != secret {
		w.refs[of] = secret
		if ok {
			w.release(before)
		}
	}
	if watch, ok := w.watches[secret]; ok {
		return watch
	}
	ctx, stop := context.WithCancel(w.ctx)
	watch := newSecretWatch(stop)
	w.watches[secret] = watch
	go w.follow(ctx, secret, watch)
	return watch
}

// release ends a watch that no source refers to any more. The caller holds the lock.
func (w *Watcher) release(secret types.NamespacedName) {
	for _, used := range w.refs {
		if used == secret {
			return
		}
	}
	if watch, ok := w.watches[secret]; ok {
		watch.stop()
		delete(w.watches, secret)
	}
}
