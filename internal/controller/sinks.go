// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/cloudevents"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// secretKeySinkToken is the only key whose value goes to a sink: who may create sources need not be one who may read Secrets.
const secretKeySinkToken = "sinkToken"

// sinks keeps one sink a source, for as long as its URL and its Secret stay the same.
type sinks struct {
	secrets   *secretStore // of its own: a source has another Secret for Studio
	userAgent string
	hosts     studio.Hosts

	mu   sync.Mutex
	open map[types.NamespacedName]*openSink
}

type openSink struct {
	*cloudevents.Sink
	fingerprint string
}

func newSinks(secrets *secretStore, userAgent string, hosts studio.Hosts) *sinks {
	return &sinks{secrets: secrets, userAgent: userAgent, hosts: hosts, open: map[types.NamespacedName]*openSink{}}
}

// get answers the sink of a source that has one. Errors are *cloudevents.Error where its user has to act.
func (s *sinks) get(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*openSink, error) {
	key, to := sourceKey(source), source.Spec.Notify.CloudEvents
	version, secret := "", &corev1.Secret{}
	if to.SecretRef == nil {
		s.secrets.forget(key)
	} else {
		secretKey := types.NamespacedName{Namespace: source.Namespace, Name: to.SecretRef.Name}
		if err := checkName("notify.cloudEvents.secretRef", secretKey); err != nil {
			s.forget(key)
			return nil, sinkTrouble(secretKey, err)
		}
		seen, known := s.secrets.version(key, secretKey)
		if open := s.current(key); known && open != nil && open.fingerprint == sinkFingerprint(source, seen) {
			return open, nil
		}
		var err error
		// Without a logger: the more verbose client-go's log is, the more of an answer is in it, up to the whole Secret.
		secret, err = s.secrets.read(logr.NewContext(ctx, logr.Discard()), secretKey)
		if err == nil {
			err = checkSinkSecret(secret)
		}
		if err != nil {
			err = sinkTrouble(secretKey, err)
			if _, fixed := errors.AsType[*cloudevents.Error](err); fixed {
				s.drop(key)
			}
			return nil, err
		}
		version = versionOf(secret)
	}
	wanted := sinkFingerprint(source, version)
	if open := s.current(key); open != nil && open.fingerprint == wanted {
		return open, nil
	}
	s.drop(key) // also where the new settings are of no use: the old ones count no more
	sink, err := cloudevents.NewSink(cloudevents.Config{
		URL: to.Sink, Token: studio.NewKey(string(secret.Data[secretKeySinkToken])), CA: secret.Data[secretKeyCA],
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

// checkSinkSecret refuses a Secret that holds nothing for a sink, such as one whose token is under another key.
func checkSinkSecret(secret *corev1.Secret) error {
	token, has := secret.Data[secretKeySinkToken]
	if _, ca := secret.Data[secretKeyCA]; !has && ca || len(bytes.TrimSpace(token)) > 0 {
		return nil
	}
	return &condition.Error{Reason: v1alpha1.ReasonInvalidSecret, Message: fmt.Sprintf("Secret %q has no token under the key %q: "+
		"store the sink's there, or remove notify.cloudEvents.secretRef where the sink wants none", secret.Name, secretKeySinkToken)}
}

// sinkTrouble says of a sink's Secret what a condition says of a source's. What passes by itself stays as it is.
func sinkTrouble(key types.NamespacedName, err error) error {
	trouble, named := errors.AsType[*condition.Error](err)
	switch {
	case named && trouble.Reason == v1alpha1.ReasonSecretNotFound:
		return &cloudevents.Error{Kind: cloudevents.Unusable, Message: fmt.Sprintf("Secret %q not found: create it in namespace %q "+
			"with the sink's token under %q, or remove notify.cloudEvents.secretRef", key.Name, key.Namespace, secretKeySinkToken)}
	case named, apierrors.IsForbidden(err):
		return &cloudevents.Error{Kind: cloudevents.Unusable, Message: outcomeOf(err, 1, 0).Message}
	}
	return err
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
