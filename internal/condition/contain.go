// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/go-logr/logr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Fault is a panic that was recovered. The data that it was about may be in any state.
type Fault struct{ text string }

func (f *Fault) Error() string { return f.text }

// Contain runs work for one source, and turns a panic into an *Error with the reason InternalError that wraps a *Fault: an unforeseen task
// of one source must not end the process, which mirrors for others too. It logs the stack. Work has to release its locks by
// defer.
func Contain(log logr.Logger, work func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			text := said(fault)
			log.Error(errors.New(text), "The operator has a fault, please report this", "stack", string(debug.Stack()))
			err = &Error{
				Reason: v1alpha1.ReasonInternalError, Stalled: true, Err: &Fault{text},
				Message: "The operator has a fault: " + text + ". Report it with the stack in the operator's log. It is tried again",
			}
		}
	}()
	return work()
}

// said returns what may be shown of a panic: runtime errors quote no task, other panics could.
func said(fault any) string {
	if known, ok := fault.(runtime.Error); ok {
		return known.Error()
	}
	return fmt.Sprintf("a panic of type %T", fault)
}
