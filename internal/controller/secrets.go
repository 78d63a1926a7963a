// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

const (
	// secretWatchTime is how long one watch lasts, so that one whose other end is gone does not last for ever.
	secretWatchTime = 5 * time.Minute
	// Pauses between watches: the first after a watch that worked, the longest where none does.
	secretWatchPause    = time.Second
	maxSecretWatchPause = 30 * time.Second
)

// secretStore reads the Secrets that sources refer to. It watches each of them, and only them, and only their metadata:
// a changed key is noticed at once, and no Secret is kept in memory. It gets and watches by name and never lists, so
// that a Role can name the Secrets it may read.
type secretStore struct {
	live     client.Reader
	metadata metadata.Interface

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // The watches live as long as the controller, not as one request.
	changed func(source types.NamespacedName)
	watches map[types.NamespacedName]*secretWatch
	refs    map[types.NamespacedName]types.NamespacedName // source → Secret
}

// secretWatch is what the watch of one Secret has told. The store's lock guards it.
type secretWatch struct {
	stop context.CancelFunc
	// version identifies the content that was last seen; empty where the Secret was deleted, or not seen yet.
	version string
	// known is false while the watch has not told whether the Secret exists: a Secret that does not exist has no event.
	known bool
}

func newSecretStore(live client.Reader, metadataClient metadata.Interface) *secretStore {
	return &secretStore{
		live: live, metadata: metadataClient,
		watches: map[types.NamespacedName]*secretWatch{},
		refs:    map[types.NamespacedName]types.NamespacedName{},
	}
}

// start allows watching until ctx ends; changed is told which source's Secret changed.
func (s *secretStore) start(ctx context.Context, changed func(source types.NamespacedName)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx, s.changed = ctx, changed
}

// version identifies the content of a source's Secret, and begins to watch it. known is false while that can't be told
// without reading it.
func (s *secretStore) version(source, secret types.NamespacedName) (version string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	watch := s.watch(source, secret)
	if watch == nil || !watch.known {
		return "", false
	}
	return watch.version, true
}

func versionOf(secret metav1.Object) string {
	return string(secret.GetUID()) + "/" + secret.GetResourceVersion()
}

// checkName refuses what no Secret can be called. The schema does so, too, but not what was stored before it did; it is
// never asked for, since it
// would be part of a path. field is where the name is. The error is a *sourceError.
func checkName(field string, secret types.NamespacedName) error {
	if len(validation.IsDNS1123Subdomain(secret.Name)) == 0 {
		return nil
	}
	return &condition.Error{
		Reason: v1alpha1.ReasonInvalidSecret, Stalled: true,
		Message: fmt.Sprintf("%s.name %q can't be the name of a Secret: correct it. A name has lower-case letters, digits, "+
			"'-' and '.', and each part between dots begins and ends with a letter or a digit", field, secret.Name),
	}
}

// read gets the Secret from the API server. The error is a *sourceError where it does not exist, or is of another type than
// Opaque: those hold what is meant for somebody else, such as the token of a ServiceAccount or the password of a registry.
func (s *secretStore) read(ctx context.Context, key types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := s.live.Get(ctx, key, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, secretNotFound(key)
	case err != nil:
		return nil, err
	case secret.Type != corev1.SecretTypeOpaque:
		return nil, &condition.Error{
			Reason: v1alpha1.ReasonInvalidSecret, Stalled: true,
			Message: fmt.Sprintf("Secret %q is of type %q, and only type Opaque is read: name one that was made with "+
				"kubectl create secret generic", key.Name, secret.Type),
		}
	}
	return secret, nil
}

// forget ends the watch of a source's Secret where no other source needs it.
func (s *secretStore) forget(source types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret, ok := s.refs[source]; ok {
		delete(s.refs, source)
		s.release(secret)
	}
}

// watch makes sure that the source's Secret is watched. It answers nil before start. The caller holds the lock.
func (s *secretStore) watch(source, secret types.NamespacedName) *secretWatch {
	if s.ctx == nil {
		return nil
	}
	if before, ok := s.refs[source]; !ok || before != secret {
		s.refs[source] = secret
		if ok {
			s.release(before)
		}
	}
	if watch, ok := s.watches[secret]; ok {
		return watch
	}
	ctx, stop := context.WithCancel(s.ctx)
	watch := &secretWatch{stop: stop}
	s.watches[secret] = watch
	go s.follow(ctx, secret, watch)
	return watch
}

// follow watches one Secret until ctx ends, with one watch after the other.
func (s *secretStore) follow(ctx context.Context, secret types.NamespacedName, watch *secretWatch) {
	pauses := func() wait.Backoff {
		return wait.Backoff{
			Duration: secretWatchPause, Factor: 2, Jitter: 0.5, Steps: 10, Cap: maxSecretWatchPause,
		}
	}
	pause := pauses()
	for {
		events, err := s.open(ctx, secret)
		switch {
		case err == nil:
			pause = pauses()
			s.listen(ctx, secret, watch, events)
		case ctx.Err() == nil:
			log.FromContext(ctx).V(1).Info("Secret can't be watched for now", "secret", secret, "error", err.Error())
			s.unknown(watch)
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

// open begins a watch of one Secret's metadata. Without a resourceVersion it first tells what exists, so that no change
// is missed between two watches.
func (s *secretStore) open(ctx context.Context, secret types.NamespacedName) (apiwatch.Interface, error) {
	seconds := int64(wait.Jitter(secretWatchTime, 1).Seconds())
	return s.metadata.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(secret.Namespace).
		Watch(ctx, metav1.ListOptions{
			FieldSelector:  fields.OneTermEqualSelector(metav1.ObjectNameField, secret.Name).String(),
			TimeoutSeconds: &seconds,
		})
}

// listen notes what a watch tells until it ends.
func (s *secretStore) listen(ctx context.Context, secret types.NamespacedName, watch *secretWatch, events apiwatch.Interface) {
	defer events.Stop()
	s.unknown(watch) // it may have been deleted since the last watch, which no event of this one tells
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-events.ResultChan():
			if !open || event.Type == apiwatch.Error {
				return
			}
			s.note(secret, watch, event)
		}
	}
}

func (s *secretStore) unknown(watch *secretWatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	watch.known = false
}

// note keeps what an event says of the Secret, which is its version and nothing else: kubectl apply leaves a copy of the
// whole Secret in an annotation.
func (s *secretStore) note(secret types.NamespacedName, watch *secretWatch, event apiwatch.Event) {
	accessor, err := meta.Accessor(event.Object)
	if err != nil {
		return
	}
	version := ""
	if event.Type != apiwatch.Deleted {
		version = versionOf(accessor)
	}
	s.mu.Lock()
	news := version != watch.version
	watch.version, watch.known = version, true
	s.mu.Unlock()
	if news {
		s.notify(secret)
	}
}

// release ends a watch that no source refers to any more. The caller holds the lock.
func (s *secretStore) release(secret types.NamespacedName) {
	for _, used := range s.refs {
		if used == secret {
			return
		}
	}
	if watch, ok := s.watches[secret]; ok {
		watch.stop()
		delete(s.watches, secret)
	}
}

// notify tells every source that refers to the Secret.
func (s *secretStore) notify(secret types.NamespacedName) {
	s.mu.Lock()
	changed := s.changed
	var sources []types.NamespacedName
	for source, used := range s.refs {
		if used == secret {
			sources = append(sources, source)
		}
	}
	s.mu.Unlock()
	for _, source := range sources {
		changed(source)
	}
}
