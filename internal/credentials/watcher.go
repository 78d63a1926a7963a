// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
)

const (
	// secretWatchTime bounds one watch, so that one whose other end is gone does not last for ever.
	secretWatchTime = 5 * time.Minute
	// Pauses between watches: the first after a watch that worked, the longest while none does.
	secretWatchPause    = time.Second
	maxSecretWatchPause = 30 * time.Second
	// How many Secrets are read at once, for all sources and for those of one namespace. Each may have a megabyte, and a Secret that many
	// sources name is read for each of them, all at the same moment.
	reads          = 32
	namespaceReads = 16
)

// Watcher reads the Secrets that sources refer to. It watches each of them, and only them, and only their metadata:
// a changed key is noticed at once, and no Secret is kept in memory. It gets and watches by name and never lists, so
// that a Role can name the Secrets it may read.
type Watcher struct {
	live     client.Reader
	metadata metadata.Interface
	reads    *fair.Gate

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
}

// NewWatcher returns a watcher that watches once it is started.
func NewWatcher(live client.Reader, metadataClient metadata.Interface) *Watcher {
	return &Watcher{
		live: live, metadata: metadataClient, reads: fair.NewGate(reads, namespaceReads),
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

func versionOf(secret metav1.Object) string {
	return string(secret.GetUID()) + "/" + secret.GetResourceVersion()
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
	watch := &secretWatch{stop: stop}
	w.watches[secret] = watch
	go w.follow(ctx, secret, watch)
	return watch
}

// follow watches one Secret until ctx ends, with one watch after the other.
func (w *Watcher) follow(ctx context.Context, secret types.NamespacedName, watch *secretWatch) {
	pauses := func() wait.Backoff {
		return wait.Backoff{
			Duration: secretWatchPause, Factor: 2, Jitter: 0.5, Steps: 10, Cap: maxSecretWatchPause,
		}
	}
	pause := pauses()
	for {
		events, err := w.open(ctx, secret)
		switch {
		case err == nil:
			pause = pauses()
			w.listen(ctx, secret, watch, events)
		case ctx.Err() == nil:
			log.FromContext(ctx).V(1).Info("Secret can't be watched for now", "secret", secret, "error", err.Error())
			w.unknown(watch)
		}
		timer := time.NewTimer(pause.Step())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// open begins a watch of one Secret's metadata. Without a resourceVersion, a watch first reports what exists, so that no
// change is missed between two watches.
func (w *Watcher) open(ctx context.Context, secret types.NamespacedName) (apiwatch.Interface, error) {
	seconds := int64(wait.Jitter(secretWatchTime, 1).Seconds())
	return w.metadata.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(secret.Namespace).
		Watch(ctx, metav1.ListOptions{
			FieldSelector:  fields.OneTermEqualSelector(metav1.ObjectNameField, secret.Name).String(),
			TimeoutSeconds: &seconds,
		})
}

// listen takes in the events of a watch until it ends.
func (w *Watcher) listen(ctx context.Context, secret types.NamespacedName, watch *secretWatch, events apiwatch.Interface) {
	defer events.Stop()
	w.unknown(watch) // it may have been deleted between the watches, for which there is no event
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-events.ResultChan():
			if !open || event.Type == apiwatch.Error {
				return
			}
			w.note(secret, watch, event)
		}
	}
}

func (w *Watcher) unknown(watch *secretWatch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	watch.known = false
}

// note keeps what an event says of the Secret, which is its version and nothing else: kubectl apply leaves a copy of the
// whole Secret in an annotation.
func (w *Watcher) note(secret types.NamespacedName, watch *secretWatch, event apiwatch.Event) {
	accessor, err := meta.Accessor(event.Object)
	if err != nil {
		return
	}
	version := ""
	if event.Type != apiwatch.Deleted {
		version = versionOf(accessor)
	}
	w.mu.Lock()
	news := version != watch.version
	watch.version, watch.known = version, true
	w.mu.Unlock()
	if news {
		w.notify(secret)
	}
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

// notify calls back for every source that refers to the Secret.
func (w *Watcher) notify(secret types.NamespacedName) {
	w.mu.Lock()
	var told []func()
	for of, used := range w.refs {
		if tell, ok := w.changed[of.field]; ok && used == secret {
			told = append(told, func() { tell(of.source) })
		}
	}
	w.mu.Unlock()
	for _, tell := range told {
		tell()
	}
}
