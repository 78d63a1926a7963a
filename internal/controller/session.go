// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// Keys of the Secret that a source refers to.
const (
	secretKeyAPIKey        = "apiKey"
	secretKeyWebhookSecret = "webhookSecret"
	secretKeyCA            = "ca.crt"
)

// session is a connection to the API of one source, made from its spec and its Secret.
type session struct {
	fingerprint string
	client      *studio.Client
	redactor    *redact.Redactor
	webhook     sharedSecret
}

// sessions keeps one session a source, for as long as spec and Secret stay the same.
type sessions struct {
	secrets   *secretStore
	userAgent string
	hosts     studio.Hosts
	metrics   *metrics.Metrics

	mu   sync.Mutex
	open map[types.NamespacedName]*session
}

func newSessions(secrets *secretStore, userAgent string, hosts studio.Hosts) *sessions {
	return &sessions{secrets: secrets, userAgent: userAgent, hosts: hosts, open: map[types.NamespacedName]*session{}}
}

// get answers the session of a source. Errors are *sourceError where its user has to act.
func (s *sessions) get(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*session, error) {
	key := types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
	secretKey := types.NamespacedName{Namespace: source.Namespace, Name: source.Spec.SecretRef.Name}
	if err := checkName("secretRef", secretKey); err != nil {
		s.secrets.forget(key)
		s.drop(key)
		return nil, err
	}
	version, known := s.secrets.version(key, secretKey)
	if known && version == "" {
		s.drop(key)
		return nil, secretNotFound(secretKey)
	}
	if open := s.current(key); known && open != nil && open.fingerprint == fingerprint(source, version) {
		return open, nil
	}
	// Without a logger: the more verbose client-go's log is, the more of an answer is in it, up to the whole Secret.
	secret, err := s.secrets.read(logr.NewContext(ctx, logr.Discard()), secretKey)
	if err != nil {
		return nil, err
	}
	wanted := fingerprint(source, versionOf(secret))
	if open := s.current(key); open != nil && open.fingerprint == wanted {
		return open, nil
	}
	opened, err := s.dial(source, secret, wanted)
	s.drop(key) // also where the new Secret is of no use: the old one counts no more
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[key] = opened
	return opened, nil
}

func (s *sessions) dial(source *v1alpha1.LivepeerTaskSource, secret *corev1.Secret, wanted string) (*session, error) {
	apiKey := strings.TrimSpace(string(secret.Data[secretKeyAPIKey]))
	if apiKey == "" {
		return nil, &condition.Error{
			Reason: v1alpha1.ReasonInvalidSecret, Stalled: true,
			Message: fmt.Sprintf("Secret %q has no key %q: store the Livepeer Studio API key under it",
				secret.Name, secretKeyAPIKey),
		}
	}
	redactor := redact.New(apiKey, strings.TrimSpace(string(secret.Data[secretKeyWebhookSecret])))
	client, err := studio.New(studio.Config{
		BaseURL:   source.Spec.URL,
		Key:       studio.NewKey(apiKey),
		CA:        secret.Data[secretKeyCA],
		Timeout:   source.Spec.Timeout.Duration,
		Hosts:     s.hosts,
		UserAgent: s.userAgent,
		Redactor:  redactor,
		Answered:  func(result string) { s.metrics.Requested(sourceKey(source), result) },
	})
	if err != nil {
		return nil, unusable(secret.Name, err)
	}
	return &session{fingerprint: wanted, client: client, redactor: redactor, webhook: webhookOf(secret)}, nil
}

// unusable explains a setting that no client can be made of: the URL, or something in the Secret.
func unusable(secret string, err error) *condition.Error {
	if config, ok := errors.AsType[*studio.ConfigError](err); ok && config.Field == "url" {
		return &condition.Error{Reason: v1alpha1.ReasonInvalidURL, Stalled: true, Err: err, Message: config.Message}
	}
	return &condition.Error{
		Reason: v1alpha1.ReasonInvalidSecret, Stalled: true, Err: err,
		Message: fmt.Sprintf("Secret %q can't be used: %v", secret, err),
	}
}

func (s *sessions) current(source types.NamespacedName) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[source]
}

// drop closes the session of a source.
func (s *sessions) drop(source types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if open, ok := s.open[source]; ok {
		open.client.Close()
		delete(s.open, source)
	}
}

// fingerprint changes with everything that a session is made from.
func fingerprint(source *v1alpha1.LivepeerTaskSource, secretVersion string) string {
	return fmt.Sprintf("%s|%s|%s|%s", source.UID, source.Spec.URL, source.Spec.Timeout.Duration, secretVersion)
}
