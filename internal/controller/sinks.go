// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/livepeer"
	"github.com/livepeer/livepeer-task-operator/internal/notify"
)

const secretKeyToken = "token"

// sinks keeps one sink a source, for as long as its URL and its Secret stay the same.
type sinks struct {
	secrets   *secretStore // of its own: a source has another Secret for Studio
	userAgent string
	hosts     livepeer.Hosts

	mu   sync.Mutex
	open map[types.NamespacedName]*openSink
}

type openSink struct {
	*notify.Sink
	fingerprint string
}

func newSinks(secrets *secretStore, userAgent string, hosts livepeer.Hosts) *sinks {
	return &sinks{secrets: secrets, userAgent: userAgent, hosts: hosts, open: map[types.NamespacedName]*openSink{}}
}

// get answers the sink of a source that has one. Errors are *notify.Error where its user has to act.
func (s *sinks) get(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*openSink, error) {
	key, to := sourceKey(source), source.Spec.Notify.CloudEvents
	version, secret := "", &corev1.Secret{}
	if to.SecretRef == nil {
		s.secrets.forget(key)
	} else {
		secretKey := types.NamespacedName{Namespace: source.Namespace, Name: to.SecretRef.Name}
		if err := checkName("notify.cloudEvents.secretRef", secretKey); err != nil {
			s.forget(key)
			return nil, unusableSink(err)
		}
		seen, known := s.secrets.version(key, secretKey)
		if open := s.current(key); known && open != nil && open.fingerprint == sinkFingerprint(source, seen) {
			return open, nil
		}
		var err error
		// Without a logger: the more verbose client-go's log is, the more of an answer is in it, up to the whole Secret.
		secret, err = s.secrets.read(logr.NewContext(ctx, logr.Discard()), secretKey)
		if _, missing := errors.AsType[*sourceError](err); missing {
			s.drop(key)
			return nil, noSinkSecret(secretKey)
		} else if apierrors.IsForbidden(err) {
			s.drop(key)
			return nil, unusableSink(err)
		}
		if err != nil {
			return nil, err
		}
		version = versionOf(secret)
	}
	wanted := sinkFingerprint(source, version)
	if open := s.current(key); open != nil && open.fingerprint == wanted {
		return open, nil
	}
	s.drop(key) // also where the new settings are of no use: the old ones count no more
	sink, err := notify.NewSink(notify.Config{
		URL: to.Sink, Token: livepeer.NewKey(string(secret.Data[secretKeyToken])), CA: secret.Data[secretKeyCA],
		Hosts: s.hosts, UserAgent: s.userAgent,
	})
	if err != nil {
		return nil, err
	}
	opened := &openSink{Sink: sink, fingerprint: wanted}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[key] = opened
	return opened, nil
}

func noSinkSecret(key types.NamespacedName) *notify.Error {
	return &notify.Error{Kind: notify.Unusable, Message: fmt.Sprintf("Secret %q not found: create it in namespace %q with the sink's "+
		"token under %q, or remove notify.cloudEvents.secretRef", key.Name, key.Namespace, secretKeyToken)}
}

// unusableSink says of a sink what outcomeOf says of a source.
func unusableSink(err error) *notify.Error {
	return &notify.Error{Kind: notify.Unusable, Message: outcomeOf(err, 1, 0).Message}
}

func (s *sinks) current(source types.NamespacedName) *openSink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[source]
}

// drop closes the sink of a source.
func (s *sinks) drop(source types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if open, ok := s.open[source]; ok {
		open.Close()
		delete(s.open, source)
	}
}

// forget drops all that is kept of a source.
func (s *sinks) forget(source types.NamespacedName) {
	s.secrets.forget(source)
	s.drop(source)
}

// sinkFingerprint changes with everything that a sink is made from.
func sinkFingerprint(source *v1alpha1.LivepeerTaskSource, secretVersion string) string {
	return fmt.Sprintf("%s|%s|%s", source.UID, source.Spec.Notify.CloudEvents.Sink, secretVersion)
}
