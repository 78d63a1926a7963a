// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// TestForgedUnderALaterName: a task whose ID was edited is repaired where it is, even where a better name is free.
func TestForgedUnderALaterName(t *testing.T) {
	abc, upper := observed("abc", "upload", "running", noon), observed("ABC", "upload", "running", noon)
	s := stored(t, abc, upper)
	entry, _ := s.lookup("abc")
	s.apply(testScope, Deletion(&testScope, &entry))
	forged := s.get(mirror.Names("ABC")[1])
	forged.Spec.ID = "forged"
	s.put(forged)
	plan := Plan(testScope, []*mirror.Observation{upper}, s.lookup)
	s.apply(testScope, plan.Actions)
	if names := s.names(); len(names) != 1 {
		t.Errorf("%v", names)
	}
}
