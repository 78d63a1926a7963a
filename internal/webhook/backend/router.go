// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

var errNotLeading = errors.New("this replica does not follow sources, or not yet, or not any more")

// Engine takes in the notifications.
type Engine interface {
	// Running reports whether this replica follows the sources.
	Running() bool
	// Push has a task read that was updated at updatedAt, in milliseconds since 1970.
	Push(source types.NamespacedName, id string, updatedAt int64, received time.Time)
}

// Router passes verified notifications for a backend's sources to an engine.
type Router struct {
	*Backend
	engine Engine
}

var _ webhook.Sources = Router{}

// RouteTo returns a Router to the engine.
func (b *Backend) RouteTo(engine Engine) Router { return Router{b, engine} }

// Ready reports whether this replica follows the sources, and has listed them.
func (r Router) Ready() bool { return r.engine.Running() && r.begun() }

// Complete reports whether it has tried to read the Secrets of all of them.
func (r Router) Complete() bool { return r.known() }

// Notify has a task read.
func (r Router) Notify(notification webhook.Notification) error {
	key := namespacedName(notification.Source)
	r.inTime(key)
	if !r.engine.Running() {
		return errNotLeading
	}
	r.engine.Push(key, notification.TaskID, notification.UpdatedAt, notification.Received)
	return nil
}
