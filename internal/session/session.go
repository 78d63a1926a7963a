// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/backlog"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/webhook/backend"
)

// Keys of the Secret that a source refers to.
const (
	secretKeyAPIKey = "apiKey"
	secretKeyCA     = "ca.crt"
)

// maxKey is the longest API key, in bytes. Studio's have 36. Everything that texts are searched for is derived from the key, and may be
// in memory for as long as the source exists.
const maxKey = 1 << 10

// session is a connection to the API of one source, made from its spec and its Secret.
type session struct {
	client   *studio.Client
	redactor *redact.Redactor
	webhook  backend.Secret
}

// Close closes idle connections.
func (s *session) Close() { s.client.Close() }

// Sessions keeps one session a source, for as long as spec and Secret stay the same.
type Sessions struct {
	*credentials.Cache[*session]

	userAgent string
	hosts     studio.Hosts
	pool      *studio.Pool
	large     *backlog.Large
	metrics   *metrics.Metrics
}

// NewSessions returns sessions whose clients call themselves userAgent, connect to these hosts only, and share what pool has.
func NewSessions(
	watcher *credentials.Watcher, userAgent string, hosts studio.Hosts, pool *studio.Pool, measured *metrics.Metrics,
) *Sessions {
	return &Sessions{
		Cache:     credentials.NewCache[*session](watcher, "secretRef", secretKeyAPIKey, backend.SecretKey, secretKeyCA),
		userAgent: userAgent, hosts: hosts, pool: pool, large: backlog.NewLarge(),
		metrics: measured,
	}
}

// WebhookSecret returns what the Secret of a source says about its webhooks.
func (s *Sessions) WebhookSecret(source types.NamespacedName) backend.Secret {
	if open, ok := s.Current(source); ok {
		return open.webhook
	}
	return backend.Secret{}
}

// get returns the session of a source. Errors are *condition.Error.
func (s *Sessions) get(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*session, string, error) {
	settings := fmt.Sprintf("%s|%s|%s", source.UID, source.Spec.URL, source.Spec.Timeout.Duration)
	session, fingerprint, err := s.Get(ctx, client.ObjectKeyFromObject(source), source.Spec.SecretRef.Name, settings,
		func(secret *corev1.Secret) (*session, error) { return s.dial(source, secret) })
	if _, named := errors.AsType[*condition.Error](err); err != nil && !named && !apierrors.IsForbidden(err) {
		err = &condition.Error{
			Reason: v1alpha1.ReasonWriteFailed, Err: err,
			Message: "The source's Secret can't be read from the Kubernetes API server now: " + err.Error(),
		}
	}
	return session, fingerprint, err
}

func (s *Sessions) dial(source *v1alpha1.LivepeerTaskSource, secret *corev1.Secret) (*session, error) {
	apiKey := strings.TrimSpace(string(secret.Data[secretKeyAPIKey]))
	if err := checkKey(secret, apiKey); err != nil {
		return nil, err
	}
	redactor := redact.New(apiKey, backend.Searched(secret))
	key := client.ObjectKeyFromObject(source)
	api, err := studio.New(studio.Config{
		BaseURL:   source.Spec.URL,
		Key:       studio.NewKey(apiKey),
		CA:        secret.Data[secretKeyCA],
		Timeout:   source.Spec.Timeout.Duration,
		Hosts:     s.hosts,
		Pool:      s.pool,
		UserAgent: s.userAgent,
		Redactor:  redactor,
		Large:     func(ctx context.Context, end func()) (func(), error) { return s.large.Enter(ctx, key, end) },
		Answered:  func(result string) { s.metrics.Requested(key, result) },
	})
	if err != nil {
		return nil, unusable(secret.Name, err)
	}
	return &session{client: api, redactor: redactor, webhook: backend.SecretOf(secret)}, nil
}

// checkKey refuses a Secret without a possible API key.
func checkKey(secret *corev1.Secret, apiKey string) error {
	_, there := secret.Data[secretKeyAPIKey]
	nearly := credentials.Nearly(secret, secretKeyAPIKey)
	trouble := &condition.Error{Reason: v1alpha1.ReasonInvalidSecret, Stalled: true}
	switch {
	case apiKey == "" && there:
		trouble.Message = fmt.Sprintf("%q in Secret %q is empty: store the Livepeer Studio API key there", secretKeyAPIKey, secret.Name)
	case apiKey == "" && nearly != "":
		trouble.Message = fmt.Sprintf("Secret %q has no key %[2]q, but %[3]q: store the Livepeer Studio API key under %[2]q",
			secret.Name, secretKeyAPIKey, nearly)
	case apiKey == "":
		trouble.Message = fmt.Sprintf("Secret %q has no key %q: store the Livepeer Studio API key under it", secret.Name, secretKeyAPIKey)
	case len(apiKey) > maxKey:
		trouble.Message = fmt.Sprintf("Secret %q has %d bytes under %q, and no API key is longer than %d: store only the Livepeer "+
			"Studio API key there", secret.Name, len(apiKey), secretKeyAPIKey, maxKey)
	default:
		return nil
	}
	return trouble
}

// unusable explains why no client can be made: because of the URL, or something in the Secret.
func unusable(secret string, err error) *condition.Error {
	if config, ok := errors.AsType[*studio.ConfigError](err); ok && config.Field == "url" {
		return &condition.Error{Reason: v1alpha1.ReasonInvalidURL, Stalled: true, Err: err, Message: config.Message}
	}
	return &condition.Error{
		Reason: v1alpha1.ReasonInvalidSecret, Stalled: true, Err: err,
		Message: fmt.Sprintf("Secret %q can't be used: %v", secret, err),
	}
}
