// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// TestContain: a panic becomes an error that names no task, and the log tells where it was. Errors stay what they are.
func TestContain(t *testing.T) {
	cause := errors.New("cause")
	at := func(list []int, i int) error { return fmt.Errorf("%d", list[i]) }
	reason := func(of *Error) error { return errors.New(of.Reason) }
	for name, c := range map[string]struct {
		work func() error
		said string // in the message; empty where there is no panic
		want error
	}{
		"no error":     {work: func() error { return nil }},
		"an error":     {work: func() error { return cause }, want: cause},
		"out of range": {work: func() error { return at(nil, 1) }, said: "index out of range"},
		"nothing":      {work: func() error { return reason(nil) }, said: "nil pointer"},
		"a word":       {work: func() error { panic("hunter2") }, said: "a panic of type string"},
	} {
		t.Run(name, func(t *testing.T) {
			var logged strings.Builder
			err := Contain(funcr.New(func(_, args string) { logged.WriteString(args) }, funcr.Options{}), c.work)
			if c.said == "" {
				if !errors.Is(err, c.want) || logged.Len() > 0 {
					t.Fatalf("%v, logged %q", err, logged.String())
				}
				return
			}
			if fault, ok := errors.AsType[*Fault](fmt.Errorf("a step: %w", err)); !ok || !strings.Contains(fault.Error(), c.said) {
				t.Errorf("%v is no fault", err)
			}
			known, ok := errors.AsType[*Error](err)
			if !ok || known.Reason != v1alpha1.ReasonInternalError || !known.Stalled || !strings.Contains(known.Message, c.said) {
				t.Fatalf("%v", err)
			}
			if !strings.Contains(logged.String(), "contain_test.go") || strings.Contains(logged.String()+err.Error(), "hunter2") {
				t.Errorf("logged %s, error %v", logged.String(), err)
			}
		})
	}
}
