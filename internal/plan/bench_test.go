// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// BenchmarkPlan compares a task with what is stored of it: it is as it was.
func BenchmarkPlan(b *testing.B) {
	observation := observed("A", "upload", "running", noon)
	s := stored(b, observation)
	b.ReportAllocs()
	for b.Loop() {
		if plan := Plan(testScope, []*mirror.Observation{observation}, s.lookup); len(plan.Current) != 1 {
			b.Fatalf("%+v", plan)
		}
	}
}
