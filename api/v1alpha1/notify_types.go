// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Notify says whom to notify of the phases that tasks reach.
type Notify struct {
	// Send a CloudEvent over HTTP for each phase that a mirrored task reaches.
	// +optional
	CloudEvents *CloudEvents `json:"cloudEvents,omitempty"`
}

// CloudEvents says where CloudEvents are sent.
type CloudEvents struct {
	// URL that events are posted to: a Knative broker, a webhook of Argo Events, or anything that answers 2xx once it has
	// an event. It is http or https, and carries no user info, query or fragment. The operator's --allowed-hosts must
	// permit its host.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="sink must be an http or https URL with a host, such as https://events.example.com/livepeer"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@') && !self.contains('?') && !self.contains('#')",message="sink must not carry user info, a query or a fragment: put a token into the Secret that notify.cloudEvents.secretRef names"
	// +required
	Sink string `json:"sink"`

	// Secret of type Opaque in the same namespace, with at least one of these keys: sinkToken is sent as bearer token; ca.crt
	// (PEM) is a certificate authority to trust besides the system's.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`
}

// Transition is a phase that a task has reached.
type Transition struct {
	// The phase that the task reached.
	// +kubebuilder:validation:MinLength=1
	// +required
	Phase string `json:"phase"`

	// The phase before it. Missing if the task was new.
	// +optional
	PreviousPhase string `json:"previousPhase,omitempty"`

	// status.updatedAt when the operator saw the phase.
	// +optional
	UpdatedAt *metav1.MicroTime `json:"updatedAt,omitempty"`
}

// MaxNotifications bounds the transitions of one task that wait to be sent.
const MaxNotifications = 16

// SendsEvents reports whether the phases of this source's tasks are sent as CloudEvents.
func (s *LivepeerTaskSource) SendsEvents() bool {
	return s.Spec.Notify != nil && s.Spec.Notify.CloudEvents != nil
}
