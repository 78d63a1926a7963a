// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// secretKeySinkToken is the only key whose value goes to a sink: people who may create sources need not be allowed to read Secrets.
const secretKeySinkToken = "sinkToken"

// secretKeySinkCA is the key of the authorities' certificates that a sink's certificate is checked against.
const secretKeySinkCA = "ca.crt"

// Sinks keeps one sink a source, for as long as its URL and its Secret stay the same.
type Sinks struct {
	*credentials.Cache[*Sink]

	userAgent string
	hosts     studio.Hosts
	pool      *studio.Pool
	timeout   time.Duration // of an event; tests have a longer one
}

// NewSinks returns a cache of sinks. userAgent names the operator to them, and pool has the authorities that they share with others.
func NewSinks(watcher *credentials.Watcher, userAgent string, hosts studio.Hosts, pool *studio.Pool) *Sinks {
	return &Sinks{
		Cache:     credentials.NewCache[*Sink](watcher, "notify.cloudEvents.secretRef", secretKeySinkToken, secretKeySinkCA),
		userAgent: userAgent, hosts: hosts, pool: pool, timeout: sendTimeout,
	}
}

// of returns the sink of a source that has one. Errors are *Error if its user has to act.
func (s *Sinks) of(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Sink, error) {
	key, to, name := client.ObjectKeyFromObject(source), source.Spec.Notify.CloudEvents, ""
	if to.SecretRef != nil {
		name = to.SecretRef.Name
	}
	sink, _, err := s.Get(ctx, key, name, fmt.Sprintf("%s|%s", source.UID, to.Sink), func(secret *corev1.Secret) (*Sink, error) {
		if err := checkSinkSecret(secret); name != "" && err != nil {
			return nil, err
		}
		return NewSink(SinkConfig{
			URL: to.Sink, Token: studio.NewKey(string(secret.Data[secretKeySinkToken])), CA: secret.Data[secretKeySinkCA],
			Pool: s.pool, Hosts: s.hosts, UserAgent: s.userAgent, Timeout: s.timeout,
		})
	})
	return sink, sinkTrouble(types.NamespacedName{Namespace: key.Namespace, Name: name}, err)
}

// checkSinkSecret refuses a Secret that holds nothing for a sink, such as one whose token is under another key.
func checkSinkSecret(secret *corev1.Secret) error {
	token, has := secret.Data[secretKeySinkToken]
	if _, ca := secret.Data[secretKeySinkCA]; !has && ca || len(bytes.TrimSpace(token)) > 0 {
		return nil
	}
	but := ""
	if nearly := credentials.Nearly(secret, secretKeySinkToken); nearly != "" {
		but = fmt.Sprintf(", but %q", nearly)
	}
	return &condition.Error{Reason: v1alpha1.ReasonInvalidSecret, Message: fmt.Sprintf("Secret %q has no token under the key %q%s: "+
		"store the sink's there, or remove notify.cloudEvents.secretRef where the sink wants none", secret.Name, secretKeySinkToken, but)}
}

// sinkTrouble makes an *Error of an error about a sink's Secret, if a person has to act. Errors that pass by themselves stay as they are.
func sinkTrouble(key types.NamespacedName, err error) error {
	trouble, named := errors.AsType[*condition.Error](err)
	switch {
	case named && trouble.Reason == v1alpha1.ReasonSecretNotFound:
		return &Error{Kind: Unusable, Message: fmt.Sprintf("Secret %q not found: create it in namespace %q with the "+
			"sink's token under %q, or remove notify.cloudEvents.secretRef", key.Name, key.Namespace, secretKeySinkToken)}
	case named:
		return &Error{Kind: Unusable, Message: trouble.Message}
	case apierrors.IsForbidden(err):
		return &Error{Kind: Unusable, Message: "The operator lacks a right in this cluster: " + err.Error() +
			". Apply its roles again; where they name Secrets, add this one or refer to another"}
	}
	return err
}
