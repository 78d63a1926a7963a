// SPDX-License-Identifier: Apache-2.0

package mirror

import "testing"

// BenchmarkDigest identifies what is stored of the reference page's example.
func BenchmarkDigest(b *testing.B) {
	task := storedTask(mustConvert(b, string(referenceTask(b))))
	b.ReportAllocs()
	for b.Loop() {
		EntryOf(task)
	}
}

// BenchmarkPlan compares the reference page's example with what is stored of it: it is as it was.
func BenchmarkPlan(b *testing.B) {
	observation := mustConvert(b, string(referenceTask(b)))
	s := stored(b, observation)
	b.ReportAllocs()
	for b.Loop() {
		if plan := Plan(testScope, []*Observation{observation}, s.lookup); len(plan.Current) != 1 {
			b.Fatalf("%+v", plan)
		}
	}
}

// BenchmarkReadEntries reads the reference page's example out of a list of the API server.
func BenchmarkReadEntries(b *testing.B) {
	items, _, err := SplitList(answered(b, storedTask(mustConvert(b, string(referenceTask(b))))))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(items)))
	b.ReportAllocs()
	for b.Loop() {
		if err := ReadEntries(items, func(*Entry) {}); err != nil {
			b.Fatal(err)
		}
	}
}
