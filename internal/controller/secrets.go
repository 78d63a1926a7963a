// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// secretStore reads the Secrets that sources refer to. It watches each of them, and only them, and only their metadata:
// a changed key is noticed at once, and no Secret is kept in memory.
type secretStore struct {
	live     client.Reader
	metadata metadata.Interface

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // The watches live as long as the controller, not as one request.
	changed func(source types.NamespacedName)
	watches map[types.NamespacedName]*secretWatch
	refs    map[types.NamespacedName]types.NamespacedName // source → Secret
}

type secretWatch struct {
	informer toolscache.SharedIndexInformer
	stop     context.CancelFunc
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
	watch := s.watch(source, secret)
	if watch == nil || !watch.informer.HasSynced() {
		return "", false
	}
	obj, exists, err := watch.informer.GetStore().GetByKey(secret.String())
	if err != nil || !exists {
		return "", err == nil
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return "", false
	}
	return versionOf(accessor), true
}

func versionOf(secret metav1.Object) string {
	return string(secret.GetUID()) + "/" + secret.GetResourceVersion()
}

// read gets the Secret from the API server. The error is a *sourceError where it does not exist.
func (s *secretStore) read(ctx context.Context, key types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := s.live.Get(ctx, key, secret)
	if apierrors.IsNotFound(err) {
		return nil, secretNotFound(key)
	}
	return secret, err
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

// watch makes sure that the source's Secret is watched. It answers nil before start.
func (s *secretStore) watch(source, secret types.NamespacedName) *secretWatch {
	s.mu.Lock()
	defer s.mu.Unlock()
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
	informer := metadatainformer.NewFilteredMetadataInformer(s.metadata,
		corev1.SchemeGroupVersion.WithResource("secrets"), secret.Namespace, 0, toolscache.Indexers{},
		func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, secret.Name).String()
		}).Informer()
	notify := func() { s.notify(secret) }
	_, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
		DeleteFunc: func(any) { notify() },
	})
	if err := errors.Join(informer.SetTransform(identityOnly), err); err != nil { // only of an informer that runs already
		stop()
		return nil
	}
	watch := &secretWatch{informer: informer, stop: stop}
	s.watches[secret] = watch
	go informer.RunWithContext(ctx)
	return watch
}

// identityOnly drops the annotations of a Secret's metadata: kubectl apply leaves a copy of the whole Secret in one.
func identityOnly(obj any) (any, error) {
	if accessor, err := meta.Accessor(obj); err == nil {
		accessor.SetAnnotations(nil)
		accessor.SetManagedFields(nil)
	}
	return obj, nil
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
