// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"bytes"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

const (
	// SecretKey is the key of the shared secret in a source's Secret.
	SecretKey = "webhookSecret"
	// minSecret is the shortest shared secret, in bytes, that can't be guessed if it is random.
	minSecret = 16
	// maxSecret is the longest one, in bytes: it is kept in memory, and every text is searched for it.
	maxSecret = 1 << 10
)

// Secret is the secret that a source shares with Studio, as its Secret holds it.
type Secret struct {
	value   studio.Key       // a type that is never printed; empty if there is no usable one
	trouble *condition.Error // why the entry can't be used
}

// SecretOf reads the entry of a Secret.
func SecretOf(secret *corev1.Secret) Secret {
	raw, present := secret.Data[SecretKey]
	usable := bytes.TrimSpace(raw)
	switch {
	case !present:
		return Secret{}
	case len(usable) == 0:
		return unusable(secret.Name, "it is empty")
	case len(usable) < minSecret:
		return unusable(secret.Name, "it is shorter than 16 characters, and could be guessed")
	case len(usable) > maxSecret:
		return unusable(secret.Name, "it is longer than 1024 characters")
	}
	return Secret{value: studio.NewKey(string(usable))}
}

// Searched returns the value to be masked wherever it occurs: the shared secret, usable or not, cut to the length that can be
// searched for.
func Searched(secret *corev1.Secret) string {
	value := bytes.TrimSpace(secret.Data[SecretKey])
	return string(value[:min(len(value), maxSecret)])
}

func unusable(secret, why string) Secret {
	return Secret{trouble: &condition.Error{Reason: v1alpha1.ReasonInvalidWebhookSecret, Message: fmt.Sprintf(
		"%s in Secret %q can't be used: %s. Webhooks are not received, and polling goes on. Store the shared secret of Studio's "+
			"webhook, 16 random characters or more, here and in Studio, or remove the entry", SecretKey, secret, why)}}
}

func (s *Secret) usable() bool { return s.value.Reveal() != "" }

// received returns the secret that verifies a source's webhooks, or why they are not received.
func (b *Backend) received(key types.NamespacedName) Secret {
	secret := b.config.Secret(key)
	owner := b.claims.owner(key)
	if !secret.usable() || owner == key {
		return secret
	}
	other := "another LivepeerTaskSource of this operator"
	if owner.Namespace == key.Namespace { // do not name sources of other namespaces
		other = fmt.Sprintf("LivepeerTaskSource %q", owner.Name)
	}
	return Secret{trouble: &condition.Error{Reason: v1alpha1.ReasonSharedWebhookSecret, Message: fmt.Sprintf(
		"%s has the same %s, and had it first. Webhooks are not received, and polling goes on. Give this source a secret of its own: "+
			"store another one in a Secret of its own, and in Studio", other, SecretKey)}}
}

// SetCondition says in a source's status whether its webhooks are received, and where. While that is not known, as after a restart,
// the status stays as it is.
func (b *Backend) SetCondition(source *v1alpha1.LivepeerTaskSource) {
	if !b.known() {
		return
	}
	key := client.ObjectKeyFromObject(source)
	condition := metav1.Condition{Type: v1alpha1.ConditionReceiving, ObservedGeneration: source.Generation}
	secret := b.received(key)
	switch {
	case secret.trouble != nil && !source.Spec.Suspend:
		source.Status.Receiver = nil
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, secret.trouble.Reason, secret.trouble.Message
	case secret.usable() && !source.Spec.Suspend:
		source.Status.Receiver = &v1alpha1.ReceiverStatus{Path: webhook.Source{Namespace: key.Namespace, Name: key.Name}.Path()}
		condition.Status, condition.Reason = metav1.ConditionTrue, v1alpha1.ReasonListening
		condition.Message = "Webhooks are received at " + source.Status.Receiver.Path
	default:
		RemoveCondition(source)
		return
	}
	meta.SetStatusCondition(&source.Status.Conditions, condition)
}

// RemoveCondition removes the condition Receiving: webhooks are not received, and are not meant to be.
func RemoveCondition(source *v1alpha1.LivepeerTaskSource) {
	source.Status.Receiver = nil
	meta.RemoveStatusCondition(&source.Status.Conditions, v1alpha1.ConditionReceiving)
}

// Tell writes an Event, once for each content of a Secret, that its webhook secret can't be used. The fingerprint identifies the content.
func (b *Backend) Tell(source *v1alpha1.LivepeerTaskSource, fingerprint string) {
	key := client.ObjectKeyFromObject(source)
	trouble := b.received(key).trouble
	if trouble == nil || !b.known() {
		return
	}
	about := fingerprint + trouble.Reason
	b.mu.Lock()
	before := b.warned[key]
	b.warned[key] = about
	b.mu.Unlock()
	if before != about {
		b.warn(source, trouble.Reason, trouble.Message, about)
	}
}
