// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The events of tasks that Studio tells of.
const (
	TaskSpawned   = "task.spawned"
	TaskUpdated   = "task.updated"
	TaskCompleted = "task.completed"
	TaskFailed    = "task.failed"
)

// Webhook is where a user wants to be told of events.
type Webhook struct {
	URL string
	// Secret signs what is sent; without one there is no signature.
	Secret string
	// Events to tell of; none: all of tasks.
	Events []string
	// Speed is how much faster than life failed deliveries are tried again; 0 is 1.
	Speed float64
}

// hook is a registered webhook.
type hook struct {
	Webhook
	id      string
	timeout time.Duration // of one attempt
}

// message is the body of a delivery.
type message struct {
	ID        string  `json:"id"` // the same in each attempt
	WebhookID string  `json:"webhookId"`
	CreatedAt int64   `json:"createdAt"`
	Timestamp int64   `json:"timestamp"` // of the attempt
	Event     string  `json:"event"`
	Payload   payload `json:"payload"`
}

type payload struct {
	Success *bool    `json:"success,omitempty"` // where a task has ended
	Task    taskInfo `json:"task"`
}

type taskInfo struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Snapshot json.RawMessage `json:"snapshot"`
}

// AddWebhook registers a webhook for the tasks of the default user. From now on each change of a task is told, in the
// background: a new task, and one that was changed, by Put, Update or a Simulator. A deletion is not, nor does the real
// server tell of one. Whoever adds a webhook ends the Server with Close.
func (s *Server) AddWebhook(w Webhook) {
	if w.Speed == 0 {
		w.Speed = 1
	}
	s.sender.mu.Lock()
	defer s.sender.mu.Unlock()
	s.sender.hooks = append(s.sender.hooks, &hook{Webhook: w, id: newUUID(), timeout: deliveryTimeout})
}

// tell sends the events of a change, the caller holding the lock on tasks: so events are in the order of the changes.
func (s *sender) tell(old, changed *entry) {
	if changed == nil || changed.deleted || !changed.own() || (old != nil && bytes.Equal(old.raw, changed.raw)) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.hooks) == 0 || s.closed {
		return
	}
	for _, m := range messages(old, changed) {
		for _, h := range s.hooks {
			if len(h.Events) == 0 || slices.Contains(h.Events, m.Event) {
				m.WebhookID = h.id
				s.dispatch(&parcel{hook: h, message: m})
			}
		}
	}
}

// messages is what the real server says of a change: where a task ends it is both, updated and ended.
func messages(old, changed *entry) []message {
	about := taskInfo{ID: changed.id, Type: changed.typ, Snapshot: changed.raw}
	event, before := TaskSpawned, ""
	if old != nil {
		event, before = TaskUpdated, old.phase
	}
	told := []message{{Event: event, Payload: payload{Task: about}}}
	if changed.phase != before {
		switch changed.phase {
		case "completed":
			told = append(told, message{Event: TaskCompleted, Payload: payload{Task: about, Success: new(true)}})
		case "failed":
			told = append(told, message{Event: TaskFailed, Payload: payload{Task: about, Success: new(false)}})
		}
	}
	for i := range told {
		told[i].ID, told[i].CreatedAt = newUUID(), orZero(changed.updated)
	}
	return told
}

// body is what is sent at that time.
func (m message) body(at time.Time) ([]byte, error) {
	m.Timestamp = at.UnixMilli()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the real server does not
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encoding event %s of task %s: %w", m.Event, m.Payload.Task.ID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Signature is what the header Livepeer-Signature says of a body that is sent at that time.
func Signature(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return fmt.Sprintf("t=%d,v1=%s", at.UnixMilli(), hex.EncodeToString(mac.Sum(nil)))
}

func newUUID() string {
	x, y := rand.Uint64(), rand.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", x>>32, x>>16&0xffff, x&0xfff, y>>52, y&0xffffffffffff)
}
