// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"slices"
	"testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// BenchmarkDigest identifies what is stored of the reference page's example.
func BenchmarkDigest(b *testing.B) {
	task := storedTask(mustConvert(b, string(referenceTask(b))))
	b.ReportAllocs()
	for b.Loop() {
		EntryOf(task)
	}
}

// BenchmarkReadList reads a page of tasks like the reference page's example.
func BenchmarkReadList(b *testing.B) {
	const tasks = 100
	task := storedTask(mustConvert(b, string(referenceTask(b))))
	answer := answered(b, slices.Repeat([]*v1alpha1.LivepeerTask{task}, tasks)...)
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadList(bytes.NewReader(answer), each(func(*Entry) {})); err != nil {
			b.Fatal(err)
		}
	}
}
