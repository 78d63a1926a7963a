// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestTallyTellsWhatWasSeen(t *testing.T) {
	g := NewWithT(t)
	tally := newTally()
	for _, seen := range []struct{ name, phase string }{
		{"a", ""}, {"a", "running"}, {"a", "running"}, {"a", "completed"},
		{"b", "running"}, {"b", "waiting"}, {"b", "running"}, {"b", "completed"},
		{"c", "failed"}, {"c", "waiting"},
		{"d", ""}, {"d", "dreaming"},
		{"e", "completed"},
		{"f", ""},
	} {
		tally.see(seen.name, seen.phase)
	}
	tally.gone("e")

	result := tally.result()
	result.polls, result.writes = 7, 15

	// Task f has no status yet, so that it does not count.
	g.Expect(result.mirrored()).To(Equal(4))
	g.Expect(result.String()).To(Equal(`Mirrored 4 tasks: 1 waiting, 2 completed, 1 dreaming.
     1 x waiting -> running
     1 x running -> waiting (an attempt failed)
     2 x running -> completed
     1 x failed -> waiting (retried by its owner)
     1 x deleted
The operator asked Studio 7 times. The LivepeerTasks were written 15 times.`))
}

func TestResultWithoutTasks(t *testing.T) {
	g := NewWithT(t)
	result := newTally().result()

	g.Expect(result.mirrored()).To(BeZero())
	g.Expect(result.String()).To(Equal("Mirrored 0 tasks.\nThe LivepeerTasks were written 0 times."))
}
