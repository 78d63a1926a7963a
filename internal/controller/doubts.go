// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"net/http"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// maxDoubts bounds the writes that are kept in doubt. Few are under way at once.
const maxDoubts = 1000

// doubts are writes whose answer was lost: they may have been carried out, and then nothing is left to write that would
// tell of it. They are kept until the task is seen as it was to be, or is written again.
type doubts struct {
	mu      sync.Mutex
	pending map[types.NamespacedName]doubt
}

type doubt struct {
	scope  mirror.Scope
	action mirror.Action
	status mirror.Digest // as it was to be
}

// note takes in how a write of a task ended.
func (d *doubts) note(scope *mirror.Scope, action *mirror.Action, err error) {
	key := types.NamespacedName{Namespace: action.Desired.Namespace, Name: action.Desired.Name}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		delete(d.pending, key)
	case answered(err):
	default:
		if d.pending == nil {
			d.pending = map[types.NamespacedName]doubt{}
		}
		if len(d.pending) >= maxDoubts {
			for old := range d.pending { // of a task that others deleted, for instance: nothing ends that doubt
				delete(d.pending, old)
				break
			}
		}
		d.pending[key] = doubt{scope: *scope, action: *action, status: mirror.StatusDigest(action.Desired)}
	}
}

// forget ends the doubt about a task that was deleted.
func (d *doubts) forget(stored *mirror.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pending, types.NamespacedName{Namespace: stored.Namespace, Name: stored.Name})
}

// take returns the write that made a stored task what it is, once, where it was in doubt.
func (d *doubts) take(stored *mirror.Entry) (doubt, bool) {
	key := types.NamespacedName{Namespace: stored.Namespace, Name: stored.Name}
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.pending[key]
	before := &known.action.Stored
	if !ok || known.status != stored.StatusDigest || before.UID != "" && before.UID != stored.UID {
		return doubt{}, false
	}
	delete(d.pending, key)
	return known, true
}

// answered reports whether an error says that the API server has stored nothing.
func answered(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= http.StatusBadRequest && status.Status().Code < http.StatusInternalServerError
}

// plan plans what to write. Where a task is found as an earlier write was to make it, that write was carried out.
func (w *writer) plan(scope mirror.Scope, observed []*mirror.Observation, lookup mirror.Lookup) mirror.Result {
	plan := mirror.Plan(scope, observed, lookup)
	for i := range plan.Current {
		w.settle(&plan.Current[i])
	}
	for i := range plan.Actions {
		w.settle(&plan.Actions[i].Stored)
	}
	return plan
}

// settle tells of a write that turns out to have been carried out.
func (w *writer) settle(stored *mirror.Entry) {
	known, ok := w.doubts.take(stored)
	if !ok {
		return
	}
	task := known.action.Desired.DeepCopy()
	task.UID, task.ResourceVersion, task.Generation = stored.UID, stored.ResourceVersion, stored.Generation
	w.wrote(&known.scope, &known.action, task)
}
