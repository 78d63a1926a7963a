// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestUnreadableTakeTurns: however many there are, each is looked at again before any is for the second time.
func TestUnreadableTakeTurns(t *testing.T) {
	g := NewWithT(t)
	var u Unreadable
	g.Expect(u.Some()).To(BeEmpty())
	for n := range 2*unreadableBatch + 5 {
		u.Add(fmt.Sprintf("%03d", n))
	}
	first, second, third := u.Some(), u.Some(), u.Some()
	g.Expect([]int{len(first), len(second), len(third)}).To(Equal([]int{unreadableBatch, unreadableBatch, unreadableBatch}))
	g.Expect(first[0]+" "+second[0]+" "+third[0]+" "+third[5]).To(Equal("000 050 100 000"), "and begins again")
	for n := range unreadableBatch + 5 {
		u.Readable(fmt.Sprintf("%03d", n))
	}
	g.Expect(u.Some()).To(And(HaveLen(unreadableBatch), ContainElement("104"), ContainElement("055")))
	g.Expect(u.Known()).To(HaveLen(unreadableBatch))
}

// TestUnreadableAreBounded: of more than are remembered, the rest is counted.
func TestUnreadableAreBounded(t *testing.T) {
	g := NewWithT(t)
	ids := make([]string, 0, maxUnreadable+7)
	for n := range cap(ids) {
		ids = append(ids, fmt.Sprint(n))
	}
	var u Unreadable
	u.Listed(ids, len(ids))
	g.Expect(u.Known()).To(HaveLen(maxUnreadable))
	g.Expect(u.Count()).To(Equal(maxUnreadable + 7))
}

// TestUnreadableAreCounted: polls may add to what is counted, and a listing of all tasks says how many there are.
func TestUnreadableAreCounted(t *testing.T) {
	g := NewWithT(t)
	var u Unreadable
	count := func() []int { return []int{len(u.Known()), u.Count()} }
	u.Polled([]string{"a"}, 3)
	g.Expect(count()).To(Equal([]int{1, 3}))
	u.Polled([]string{"b"}, 2)
	g.Expect(count()).To(Equal([]int{2, 4}), "the one without an ID may be one of before")
	u.Polled(nil, 4)
	g.Expect(count()).To(Equal([]int{2, 6}))
	u.Listed([]string{"b", "b", "c"}, 5)
	g.Expect(count()).To(Equal([]int{3, 6}), "five rows, two of which have IDs, and a")
	u.Listed([]string{"c"}, 1)
	g.Expect(count()).To(Equal([]int{3, 3}))
}

// TestUnreadableAreNamed: what the condition says, by how many have IDs and how many do not.
func TestUnreadableAreNamed(t *testing.T) {
	for says, c := range map[string]struct {
		named   []string
		unnamed int
	}{
		"for 1 task (a). ":                   {[]string{"a"}, 0},
		"for 3 tasks (a, b, c). ":            {[]string{"c", "b", "a"}, 0},
		"for 4 tasks (a, b, c and others). ": {[]string{"d", "c", "b", "a"}, 0},
		"for 2 tasks (a and others). ":       {[]string{"a"}, 1},
		"for 2 tasks. ":                      {nil, 2},
	} {
		g := NewWithT(t)
		state := &State{Coverage: Coverage{Synced: true}}
		state.Health.Unreadable.Listed(c.named, len(c.named)+c.unnamed)
		got := state.Judge(kubetest.ASource(), 7, nil)
		g.Expect(got.Reason).To(Equal(v1alpha1.ReasonUnreadable))
		g.Expect(got.Stalled).To(BeTrue())
		g.Expect(got.Message).To(ContainSubstring(says))
	}
}

// TestHealthNeedsAListing, where only a listing of every task tells how its tasks are.
func TestHealthNeedsAListing(t *testing.T) {
	g := NewWithT(t)
	unreadable := Health{}
	unreadable.Unreadable.Add("a")
	for want, all := range map[bool][]Health{
		true: {{Rejected: Rejected{"a": ""}}, {Paused: &Paused{}}, unreadable}, false: {{}, {Rejected: Rejected{}, unusable: 3}},
	} {
		for _, h := range all {
			g.Expect(h.needsListing()).To(Equal(want), "%+v", h)
		}
	}
	h := Health{}
	for _, met := range []struct {
		unusable int
		whole    bool
		want     int
	}{{2, false, 2}, {1, false, 2}, {3, false, 3}, {1, true, 1}, {0, true, 0}} {
		h.Met(met.unusable, met.whole)
		g.Expect(h.unusable).To(Equal(met.want), "%+v", met)
	}
}

// TestTasksOfAnotherProjectAreKept: where Studio shows what is missing in another project, the message says so.
func TestTasksOfAnotherProjectAreKept(t *testing.T) {
	g := NewWithT(t)
	p := &Paused{Missing: 40, Total: 0, Elsewhere: true, Token: "x"}
	g.Expect(p.problem(kubetest.ASource()).Message).To(HavePrefix("40 of 40 mirrored tasks are missing from the API; Studio shows them in another project"))
	p = &Paused{Missing: 40, Total: 60, Token: "x"}
	g.Expect(p.problem(kubetest.ASource()).Message).To(HavePrefix("40 of 60 mirrored tasks are missing from the API; they are kept in case"))
}
