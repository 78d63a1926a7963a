// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

const (
	// maxTaskID is the longest ID of a task that is mirrored.
	maxTaskID = 1024
	// maxAhead is how far an update time may be after the signed one, by the same clock, to be believed.
	maxAhead = time.Minute
	// maxMillis is the largest time accepted: the year 9999.
	maxMillis = 253_402_300_800_000
)

var errNoTime = errors.New("the body has no timestamp")

// event is the content of a delivery.
type event struct {
	id      string
	name    string
	signed  time.Time
	taskID  string
	updated float64
}

// parseEvent reads a body. Fields with another type than documented count as missing. The error says that the body is no JSON
// object, or has no time.
func parseEvent(body []byte) (*event, error) {
	var raw struct {
		ID        string  `json:"id"`
		Timestamp float64 `json:"timestamp"`
		Event     string  `json:"event"`
		Payload   struct {
			Task struct {
				ID       string `json:"id"`
				Snapshot struct {
					Status struct {
						UpdatedAt float64 `json:"updatedAt"`
					} `json:"status"`
				} `json:"snapshot"`
			} `json:"task"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		if _, typed := errors.AsType[*json.UnmarshalTypeError](err); !typed { // else the rest was read nevertheless
			return nil, err
		}
	}
	if !(raw.Timestamp > 0 && raw.Timestamp < maxMillis) {
		return nil, errNoTime
	}
	return &event{
		id: raw.ID, name: raw.Event, signed: time.UnixMilli(int64(raw.Timestamp)),
		taskID: raw.Payload.Task.ID, updated: raw.Payload.Task.Snapshot.Status.UpdatedAt,
	}, nil
}

// attempt returns a key for this attempt to deliver the event: if an event is sent again, by Studio or its owner, it has the same
// ID and another time. Then it is a new notification, since the first may have been lost. "" if the event has no ID.
func (e *event) attempt() string {
	if e.id == "" {
		return ""
	}
	return e.id + " " + strconv.FormatInt(e.signed.UnixMilli(), 10)
}

// aboutTask reports whether the event says which task has changed.
func (e *event) aboutTask() bool {
	return strings.HasPrefix(e.name, "task.") && e.taskID != "" && e.taskID != "." && e.taskID != ".." && len(e.taskID) <= maxTaskID
}

// updatedAt returns when the task changed; 0 if the event does not say it, or says an impossible time.
func (e *event) updatedAt() int64 {
	if !(e.updated > 0 && e.updated <= float64(e.signed.Add(maxAhead).UnixMilli())) {
		return 0
	}
	return int64(e.updated)
}
