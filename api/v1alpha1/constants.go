// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Task types known today. The service may add others; a type is a free string.
const (
	TypeUpload        = "upload"
	TypeExport        = "export"
	TypeExportData    = "export-data"
	TypeTranscodeFile = "transcode-file"
	TypeClip          = "clip"
	// TypeImport and TypeTranscode are of old tasks: Studio makes no more of them.
	TypeImport    = "import"
	TypeTranscode = "transcode"
)

// Task phases known today. The service may add others; a phase is a free string. No phase is final: a failed or
// cancelled task can be retried in Studio and run again.
const (
	PhasePending   = "pending"
	PhaseWaiting   = "waiting"
	PhaseRunning   = "running"
	PhaseCompleted = "completed"
	PhaseFailed    = "failed"
	PhaseCancelled = "cancelled"
)

// Labels on every LivepeerTask.
const (
	// LabelSource holds the name of the LivepeerTaskSource that a task was mirrored by.
	LabelSource = "studio.livepeer.org/source"
	// LabelType holds the task's type. A type that is not a valid label value is sanitised.
	LabelType = "studio.livepeer.org/type"
)

// Annotations that people and tools set on a LivepeerTaskSource.
const (
	// AnnotationRequestedAt asks for a full sync now: any value that differs from status.lastHandledReconcileAt does.
	AnnotationRequestedAt = "reconcile.studio.livepeer.org/requestedAt"
	// AnnotationConfirmPrune lets a paused deletion go on. Its value is the token that the PruningPaused message names;
	// it stands for exactly the tasks that were missing then, so it can't allow another deletion later.
	AnnotationConfirmPrune = "studio.livepeer.org/confirm-prune"
)

// Condition types of both kinds. The first three are as kstatus reads them.
const (
	// ConditionReady is True on a LivepeerTask that completed, and on a LivepeerTaskSource whose tasks are mirrored, or
	// that is suspended.
	ConditionReady = "Ready"
	// ConditionReconciling is present, and True, while a task is under way or a source is about to become Ready.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is present, and True, when a task ended without a result or gets on no more, or a source needs somebody's help.
	ConditionStalled = "Stalled"
	// ConditionFinished is True on a LivepeerTask that completed, failed or was cancelled, and False while it is under way.
	ConditionFinished = "Finished"
	// ConditionDelivering is there on a LivepeerTaskSource with spec.notify: True while CloudEvents reach their sink.
	ConditionDelivering = "Delivering"
	// ConditionReceiving is there on a LivepeerTaskSource whose Secret has a webhookSecret, where the operator has a receiver: True
	// while Studio's webhooks are received. Polling goes on either way.
	ConditionReceiving = "Receiving"
)

// Reasons of the condition Receiving.
const (
	// ReasonListening: webhooks are received at the path in status.receiver.
	ReasonListening = "Listening"
	// ReasonInvalidWebhookSecret: webhookSecret is empty or too short.
	ReasonInvalidWebhookSecret = "InvalidWebhookSecret"
	// ReasonSharedWebhookSecret: an older source has the same webhookSecret.
	ReasonSharedWebhookSecret = "SharedWebhookSecret"
)

// Reasons of the condition Delivering.
const (
	// ReasonDelivered: the sink took the latest event.
	ReasonDelivered = "Delivered"
	// ReasonNothingSent: there has been nothing to send yet.
	ReasonNothingSent = "NothingSent"
	// ReasonSinkUnavailable: the sink could not be reached, timed out, or answered an error of its own.
	ReasonSinkUnavailable = "SinkUnavailable"
	// ReasonSinkRefused: the sink refuses events, or single ones.
	ReasonSinkRefused = "SinkRefused"
	// ReasonInvalidSink: the sink's URL, or the Secret for it, can't be used.
	ReasonInvalidSink = "InvalidSink"
)

// Reasons of a LivepeerTask's conditions.
const (
	ReasonPending   = "Pending"
	ReasonWaiting   = "Waiting"
	ReasonRunning   = "Running"
	ReasonCompleted = "Completed"
	ReasonFailed    = "Failed"
	ReasonCancelled = "Cancelled"
	// ReasonNoUpdate, of Stalled only: Studio has not updated the task for longer than spec.stallAfter of its source.
	ReasonNoUpdate = "NoUpdate"
	// ReasonUnknown: the phase is missing, or one that this version does not know.
	ReasonUnknown = "Unknown"
)

// Reasons of Events on a LivepeerTask, besides Running, Completed, Failed and Cancelled.
const (
	// EventStalled: Studio has not updated the task for longer than spec.stallAfter of its source.
	EventStalled = "Stalled"
	// ReasonRetrying: Studio tries the task again.
	ReasonRetrying = "Retrying"
)

// Reasons of a LivepeerTaskSource's conditions.
const (
	// ReasonSynced: the tasks are mirrored and followed.
	ReasonSynced = "Synced"
	// ReasonSyncing: the first full listing is under way.
	ReasonSyncing = "Syncing"
	// ReasonSuspended: spec.suspend is true. Ready is True: that is as the spec wants it, and nobody is to wait for it.
	ReasonSuspended = "Suspended"
	// ReasonSecretNotFound: the Secret that spec.secretRef names does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonInvalidSecret: the Secret exists but is not of type Opaque, lacks apiKey, or its ca.crt holds no certificate; or
	// secretRef names what can't be the name of a Secret.
	ReasonInvalidSecret = "InvalidSecret"
	// ReasonInvalidURL: spec.url can't be used, or leads to a host that the operator's --allowed-hosts does not permit.
	ReasonInvalidURL = "InvalidURL"
	// ReasonUnauthorized: the API answered 401.
	ReasonUnauthorized = "Unauthorized"
	// ReasonForbidden: the API answered 403.
	ReasonForbidden = "Forbidden"
	// ReasonRateLimited: the API answered 429.
	ReasonRateLimited = "RateLimited"
	// ReasonUnavailable: the API could not be reached, timed out, or answered an error of its own.
	ReasonUnavailable = "Unavailable"
	// ReasonMalformed: the API answered something that is not a list of tasks.
	ReasonMalformed = "Malformed"
	// ReasonUnreadable: the API answers an error wherever it is asked for some tasks; all others are mirrored.
	ReasonUnreadable = "Unreadable"
	// ReasonPruningPaused: so many tasks are missing from the API at once that deleting them waits for a confirmation.
	ReasonPruningPaused = "PruningPaused"
	// ReasonConflict: tasks of this source are already mirrored by another source in the same namespace.
	ReasonConflict = "Conflict"
	// ReasonRefused: the Kubernetes API server refused to store some tasks.
	ReasonRefused = "Refused"
	// ReasonWriteFailed: the Kubernetes API server could not be written to.
	ReasonWriteFailed = "WriteFailed"
	// ReasonInternalError: the operator has a fault that this source's tasks have met. Other sources go on.
	ReasonInternalError = "InternalError"
)
