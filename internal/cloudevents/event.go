// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const (
	// typePrefix begins the type of every event; the phase follows.
	typePrefix = "org.livepeer.studio.task."
	// otherPhase stands for a phase that would not make a readable type.
	otherPhase = "other"
)

// Data is the JSON content of an event. All of it comes from the mirrored object, where credentials are masked.
type Data struct {
	// Namespace and Name are those of the LivepeerTask; Source is the name of its LivepeerTaskSource.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Source    string `json:"source"`
	// ID of the task in Studio.
	ID            string `json:"id"`
	Type          string `json:"type,omitempty"`
	Phase         string `json:"phase"`
	PreviousPhase string `json:"previousPhase,omitempty"`
	InputAssetID  string `json:"inputAssetId,omitempty"`
	OutputAssetID string `json:"outputAssetId,omitempty"`

	// Only set if the task is still in the phase of the event.

	Progress     *int32 `json:"progress,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
	PlaybackURL  string `json:"playbackUrl,omitempty"`
}

// NewEvent makes the event of a transition of this stored task. latest: no other transition waits behind it, so that the present
// status may belong to it. The same transition always makes an event with the same ID.
func NewEvent(
	source *v1alpha1.LivepeerTaskSource, task *v1alpha1.LivepeerTask, transition *v1alpha1.Transition, latest bool,
) (sdk.Event, error) {
	event := sdk.New()
	event.SetID(eventID(source.UID, task.Spec.ID, transition))
	event.SetType(eventType(transition.Phase))
	event.SetSource(fmt.Sprintf("/apis/%s/namespaces/%s/livepeertasksources/%s",
		v1alpha1.GroupVersion, source.Namespace, source.Name))
	event.SetSubject(task.Spec.ID)
	if transition.UpdatedAt != nil {
		event.SetTime(transition.UpdatedAt.UTC())
	}
	data := Data{
		Namespace: task.Namespace, Name: task.Name, Source: source.Name,
		ID: task.Spec.ID, Type: task.Spec.Type,
		Phase: transition.Phase, PreviousPhase: transition.PreviousPhase,
		InputAssetID: task.Spec.InputAssetID, OutputAssetID: task.Spec.OutputAssetID,
	}
	if latest && task.Status.Phase == transition.Phase {
		data.Progress, data.ErrorMessage = task.Status.Progress, task.Status.ErrorMessage
		data.PlaybackURL = task.PlaybackURL()
	}
	if err := event.SetData(sdk.ApplicationJSON, data); err != nil {
		return event, err
	}
	return event, event.Validate()
}

// eventID returns the same ID for the same phase of the same task at the same time, and different IDs otherwise.
func eventID(source types.UID, task string, transition *v1alpha1.Transition) string {
	updatedAt := int64(0)
	if transition.UpdatedAt != nil {
		updatedAt = transition.UpdatedAt.UnixMicro()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", source, task, transition.Phase, updatedAt))
	return hex.EncodeToString(sum[:16])
}

func eventType(phase string) string {
	phase = strings.ToLower(phase)
	if phase == "" || strings.Trim(phase, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		phase = otherPhase
	}
	return typePrefix + phase
}
