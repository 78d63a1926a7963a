// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LivepeerTaskSpec is what the task was asked to do.
type LivepeerTaskSpec struct {
	// ID of the task in Livepeer Studio, verbatim.
	// +kubebuilder:validation:MinLength=1
	// +required
	ID string `json:"id"`

	// What kind of work it is: upload, export, export-data, transcode-file, clip, one of the old import and transcode, or
	// a type that is newer than this operator.
	// +optional
	Type string `json:"type,omitempty"`

	// ID of the asset that the task works on.
	// +optional
	InputAssetID string `json:"inputAssetId,omitempty"`

	// ID of the asset that the task makes.
	// +optional
	OutputAssetID string `json:"outputAssetId,omitempty"`

	// ID of the Studio project that the task belongs to.
	// +optional
	ProjectID string `json:"projectId,omitempty"`

	// ID of the requester: a hash of IP address, salt and playback ID.
	// +optional
	RequesterID string `json:"requesterId,omitempty"`

	// Parameters of the task, under its type.
	// +structType=atomic
	// +optional
	Params *TaskParams `json:"params,omitempty"`

	// Paths of the fields in this spec whose value was masked, wholly or in part, because it may hold a credential.
	// +listType=atomic
	// +optional
	RedactedFields []string `json:"redactedFields,omitempty"`

	// Paths of the fields that the API sent and that are known, but left out here: too large, of an unexpected type, or
	// of no use outside Studio.
	// +listType=atomic
	// +optional
	OmittedFields []string `json:"omittedFields,omitempty"`

	// How many fields of params, and of the task itself, this version of the operator does not know. They are not mirrored.
	// More than none: Studio is newer, so look for a newer operator.
	// +optional
	UnknownFields int64 `json:"unknownFields,omitempty"`
}

// LivepeerTaskStatus is what has become of the task.
type LivepeerTaskStatus struct {
	// The metadata.generation that this status belongs to.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Where the task is: pending, waiting, running, completed, failed, cancelled, or a phase that is newer than this
	// operator. No phase is final: a failed or cancelled task can be retried in Studio.
	// +optional
	Phase string `json:"phase,omitempty"`

	// Name to recognise the task by: that of the asset that it made, once there is one, else the file name of the URL that it
	// takes its file from. Cut to 60 characters.
	// +optional
	DisplayName string `json:"displayName,omitempty"`

	// Percent done, 0 to 100, rounded down; 100 when completed. Absent when unknown, as while waiting.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	Progress *int32 `json:"progress,omitempty"`

	// How many times the task was tried again.
	// +optional
	Retries *int64 `json:"retries,omitempty"`

	// Why the task failed, or its last attempt did. Anything that looks like a credential is masked.
	// +optional
	ErrorMessage string `json:"errorMessage,omitempty"`

	// When the task was created.
	// +optional
	CreatedAt *metav1.MicroTime `json:"createdAt,omitempty"`

	// When the task was scheduled for execution, for instance after its upload finished.
	// +optional
	ScheduledAt *metav1.MicroTime `json:"scheduledAt,omitempty"`

	// When the task last changed in Studio.
	// +optional
	UpdatedAt *metav1.MicroTime `json:"updatedAt,omitempty"`

	// Output of the task, under its type.
	// +structType=atomic
	// +optional
	Output *TaskOutput `json:"output,omitempty"`

	// Paths of the fields in this status whose value was masked, wholly or in part, because it may hold a credential.
	// +listType=atomic
	// +optional
	RedactedFields []string `json:"redactedFields,omitempty"`

	// Paths of the fields that the API sent and that are known, but left out here: too large, of an unexpected type, or
	// of no use outside Studio.
	// +listType=atomic
	// +optional
	OmittedFields []string `json:"omittedFields,omitempty"`

	// How many fields of status and output this version of the operator does not know. They are not mirrored.
	// More than none: Studio is newer, so look for a newer operator.
	// +optional
	UnknownFields int64 `json:"unknownFields,omitempty"`

	// Phases that the task has reached, and that are still to be sent to spec.notify of its source, oldest first. At most
	// 16: beyond that, the oldest after the first are dropped.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Notifications []Transition `json:"notifications,omitempty"`

	// Ready is True once the task completed. Finished is True once it completed, failed or was cancelled, and its message says
	// in a few words why it failed or waits. Reconciling is there, and True, while the task is under way; Stalled, when
	// it ended without a result, or when Studio has not updated it for longer than its source's stallAfter (reason NoUpdate).
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// LivepeerTask is one task of Livepeer Studio (an upload, export, data export, file transcoding or clip), mirrored from
// the Studio API by a LivepeerTaskSource. It is only a mirror: changing or deleting it changes nothing in Studio, and the
// operator undoes it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=lpt,categories=livepeer
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Progress(%)",type=integer,JSONPath=`.status.progress`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Finished")].message`
// +kubebuilder:printcolumn:name="Display Name",type=string,JSONPath=`.status.displayName`,priority=1
// +kubebuilder:printcolumn:name="Retries",type=integer,JSONPath=`.status.retries`,priority=1
// +kubebuilder:printcolumn:name="Input Asset",type=string,JSONPath=`.spec.inputAssetId`,priority=1
// +kubebuilder:printcolumn:name="Output Asset",type=string,JSONPath=`.spec.outputAssetId`,priority=1
// +kubebuilder:printcolumn:name="Playback URL",type=string,JSONPath=`.status.output['upload','clip','import','transcode'].assetSpec.playbackUrl`,priority=1
// +kubebuilder:printcolumn:name="Stalled",type=string,JSONPath=`.status.conditions[?(@.type=="Stalled")].reason`,priority=1
// +kubebuilder:printcolumn:name="Updated",type=date,JSONPath=`.status.updatedAt`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.status.createdAt`
// +kubebuilder:printcolumn:name="Error",type=string,JSONPath=`.status.errorMessage`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.id`
// +kubebuilder:selectablefield:JSONPath=`.spec.type`
// +kubebuilder:selectablefield:JSONPath=`.spec.inputAssetId`
// +kubebuilder:selectablefield:JSONPath=`.spec.outputAssetId`
// +kubebuilder:selectablefield:JSONPath=`.spec.projectId`
// +kubebuilder:selectablefield:JSONPath=`.status.phase`
type LivepeerTask struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What the task was asked to do.
	// +required
	Spec LivepeerTaskSpec `json:"spec"`
	// What has become of the task. Until the operator has written it, observedGeneration is -1, so that kstatus does not take a
	// new object for a completed task.
	// +kubebuilder:default:={"observedGeneration":-1}
	// +optional
	Status LivepeerTaskStatus `json:"status,omitempty"`
}

// LivepeerTaskList is a list of LivepeerTasks.
//
// +kubebuilder:object:root=true
type LivepeerTaskList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []LivepeerTask `json:"items"`
}
