// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LivepeerTaskSourceSpec says which tasks to mirror, from where, and how often to look.
// +kubebuilder:validation:XValidation:rule="!(size(self.interval) > 0 && self.interval.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$') && size(self.resyncInterval) > 0 && self.resyncInterval.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')) || duration(self.resyncInterval) >= duration(self.interval)",message="resyncInterval must not be shorter than interval: set it too, since it is 10m unless set"
type LivepeerTaskSourceSpec struct {
	// Base URL of the Livepeer Studio API, https://livepeer.studio/api unless set; the task list is at <url>/task. It is http or
	// https, and carries no user info, query or fragment: the key belongs into the Secret.
	// +kubebuilder:default="https://livepeer.studio/api"
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="url must be an http or https URL with a host, such as https://livepeer.studio/api"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@') && !self.contains('?') && !self.contains('#')",message="url must not carry user info, a query or a fragment: put the key into the Secret that secretRef names"
	// +optional
	URL string `json:"url,omitempty"`

	// Secret of type Opaque in the same namespace that holds the credentials, under these keys: apiKey (required) is the API
	// key; webhookSecret (optional) is the shared secret of Studio's webhooks, 16 characters or more; ca.crt (optional, PEM)
	// is a certificate authority to trust besides the system's.
	// +required
	SecretRef SecretReference `json:"secretRef"`

	// How often to poll for changes: 10s unless set, and at least 1s. With webhooks this is only the safety net, and 60s is enough.
	// +kubebuilder:default="10s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')",message="interval must be hours, minutes and seconds, such as 10s or 5m; there is no unit for days: write 24h for one"
	// +kubebuilder:validation:XValidation:rule="!(size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')) || duration(self) >= duration('1s')",message="interval must be a duration of at least 1s, such as 10s or 5m"
	// +optional
	Interval metav1.Duration `json:"interval,omitzero"`

	// How often to have a full sync, which finds deletions and drift: 10m unless set, and not shorter than interval.
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')",message="resyncInterval must be hours, minutes and seconds, such as 10m or 1h30m; there is no unit for days: write 24h for one"
	// +kubebuilder:validation:XValidation:rule="!(size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')) || duration(self) >= duration('1s')",message="resyncInterval must be a duration of at least 1s, such as 10m"
	// +optional
	ResyncInterval metav1.Duration `json:"resyncInterval,omitzero"`

	// How long one HTTP request may take, its whole answer included: 30s unless set, from 1s to 10m.
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')",message="timeout must be hours, minutes and seconds, such as 30s or 2m; there is no unit for days: write 24h for one"
	// +kubebuilder:validation:XValidation:rule="!(size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')) || duration(self) >= duration('1s') && duration(self) <= duration('10m')",message="timeout must be a duration from 1s to 10m, such as 30s"
	// +optional
	Timeout metav1.Duration `json:"timeout,omitzero"`

	// Mirror only tasks of these types, in Studio's spelling: upload, export, export-data, transcode-file, clip, and the old import
	// and transcode. Empty: all types. Tasks of other types that were mirrored before are deleted from the cluster, never from Studio.
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +optional
	Types []string `json:"types,omitempty"`

	// Bounds on how many finished tasks stay mirrored. Unfinished tasks always are.
	// +kubebuilder:default={}
	// +optional
	History History `json:"history,omitempty"`

	// Whom to notify of the phases that tasks reach. Unset: nobody.
	// +optional
	Notify *Notify `json:"notify,omitempty"`

	// Show a waiting or running task as stalled if Studio has not updated it for this long, for instance 30m. At least 1m.
	// Unset: never.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')",message="stallAfter must be hours, minutes and seconds, such as 30m or 2h; there is no unit for days: write 24h for one"
	// +kubebuilder:validation:XValidation:rule="!(size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')) || duration(self) >= duration('1m')",message="stallAfter must be a duration of at least 1m, such as 30m"
	// +optional
	StallAfter *metav1.Duration `json:"stallAfter,omitempty"`

	// Stop polling. What is mirrored stays as it is.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// SecretReference names a Secret in the same namespace.
type SecretReference struct {
	// Name of the Secret: lower-case letters, digits, '-' and '.'.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a Secret: lower-case letters, digits, '-' and '.', where each part between dots begins and ends with a letter or a digit"
	// +required
	Name string `json:"name"`
}

// History bounds how many finished (completed, failed or cancelled) tasks stay mirrored: the newest by their last
// update. A task that is left out here is untouched in Studio.
type History struct {
	// Keep at most this many finished tasks: 10000 unless set. 0 keeps none.
	// +kubebuilder:default=10000
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000000
	// +optional
	MaxTasks *int32 `json:"maxTasks,omitempty"`

	// Keep finished tasks at most this long after their last update, for instance 720h. Unset: no limit.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')",message="maxAge must be hours, minutes and seconds, such as 720h (30 days) or 90m; there is no unit for days: write 24h for one"
	// +kubebuilder:validation:XValidation:rule="!(size(self) > 0 && self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,7}([.][0-9]{1,9})?m)?([0-9]{1,9}([.][0-9]{1,9})?s)?([0-9]{1,9}ms)?$')) || duration(self) >= duration('1s')",message="maxAge must be a duration of at least 1s, such as 720h"
	// +optional
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`
}

// LivepeerTaskSourceStatus says how the mirroring goes.
type LivepeerTaskSourceStatus struct {
	// The metadata.generation that this status was made from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Ready, and Reconciling or Stalled only while True. The reason and message of Ready say what is wrong and what to do.
	// Delivering says the same of CloudEvents, if spec.notify is set, and Receiving of webhooks, if the Secret has a webhookSecret
	// and the operator a receiver.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// When the API last answered a poll. Refreshed when something else in this status changes, else at most once in 5
	// minutes: an older time does not mean that polling has stopped.
	// +optional
	LastPollTime *metav1.Time `json:"lastPollTime,omitempty"`

	// When the last completed full sync began.
	// +optional
	LastFullSyncTime *metav1.Time `json:"lastFullSyncTime,omitempty"`

	// The metadata.generation that the last completed full sync was made for. 0, or less than metadata.generation, while a full sync
	// is due because spec or credentials have changed.
	// +optional
	SyncedGeneration int64 `json:"syncedGeneration,omitempty"`

	// How many tasks were mirrored when spec or credentials changed, or the operator began, until a full sync has completed; or before
	// most of them went missing, until they are back or their deletion is confirmed. The share of missing tasks is judged by it: those
	// that came since, perhaps of another project, do not lower it.
	// +optional
	MirroredBefore *int32 `json:"mirroredBefore,omitempty"`

	// The value of the annotation reconcile.studio.livepeer.org/requestedAt that was last acted on.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// How many tasks are mirrored, by phase.
	// +optional
	Tasks TaskCounts `json:"tasks,omitempty"`

	// Where Studio's webhooks are received. Missing if they are not: the Secret has no usable webhookSecret, the source is
	// suspended, or the operator runs without a receiver.
	// +optional
	Receiver *ReceiverStatus `json:"receiver,omitempty"`
}

// ReceiverStatus says where Studio's webhooks are received.
type ReceiverStatus struct {
	// Path of the URL to register in Studio. Its scheme and host are those by which the operator's receiver is exposed.
	Path string `json:"path"`
}

// TaskCounts counts the mirrored tasks of a source.
type TaskCounts struct {
	// Mirrored tasks in all: the sum of the phases below.
	// +optional
	Total int32 `json:"total"`
	// Tasks that wait to be scheduled.
	// +optional
	Pending int32 `json:"pending"`
	// Tasks that are scheduled, or wait for another attempt.
	// +optional
	Waiting int32 `json:"waiting"`
	// Tasks at work.
	// +optional
	Running int32 `json:"running"`
	// Tasks that ended well.
	// +optional
	Completed int32 `json:"completed"`
	// Tasks that failed.
	// +optional
	Failed int32 `json:"failed"`
	// Tasks that were cancelled.
	// +optional
	Cancelled int32 `json:"cancelled"`
	// Tasks without a phase, or in one that this version does not know.
	// +optional
	Unknown int32 `json:"unknown"`
	// Tasks that wait or run and are shown as stalled, which are counted by their phase as well.
	// +optional
	Stalled int32 `json:"stalled"`
	// Finished tasks of the API that are not mirrored because they are beyond the limits of history, as of the last full
	// sync. Not part of total.
	// +optional
	Omitted int32 `json:"omitted"`
}

// LivepeerTaskSource mirrors the tasks of one Livepeer Studio project: it polls the project's task list and keeps one
// LivepeerTask for each task, in its own namespace. Deleting it deletes the LivepeerTasks, and nothing in Studio.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=lpts,categories=livepeer
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Tasks",type=integer,JSONPath=`.status.tasks.total`
// +kubebuilder:printcolumn:name="Running",type=integer,JSONPath=`.status.tasks.running`
// +kubebuilder:printcolumn:name="Failed",type=integer,JSONPath=`.status.tasks.failed`
// +kubebuilder:printcolumn:name="Stalled",type=integer,JSONPath=`.status.tasks.stalled`,priority=1
// +kubebuilder:printcolumn:name="Last Poll",type=date,JSONPath=`.status.lastPollTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="the name of a LivepeerTaskSource must not be longer than 63 characters: it is a label on every task"
type LivepeerTaskSource struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Which tasks to mirror, from where, and how often to look.
	// +required
	Spec LivepeerTaskSourceSpec `json:"spec"`
	// How the mirroring goes. Written by the operator. Until then, observedGeneration is -1, so that kstatus does not take a
	// new source for a ready one.
	// +kubebuilder:default:={"observedGeneration":-1}
	// +optional
	Status LivepeerTaskSourceStatus `json:"status,omitempty"`
}

// LivepeerTaskSourceList is a list of LivepeerTaskSources.
//
// +kubebuilder:object:root=true
type LivepeerTaskSourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []LivepeerTaskSource `json:"items"`
}
