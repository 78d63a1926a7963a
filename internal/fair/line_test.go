// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNamespacesTakeTurnsInALine, and what is of one keeps its order.
func TestNamespacesTakeTurnsInALine(t *testing.T) {
	line := NewLine[string]()
	for _, item := range []string{"a1", "a2", "a3", "b1", "c1", "b2"} {
		line.Push(item[:1], item)
	}
	var order []string
	for line.Len() > 0 {
		if order = append(order, line.Pop()); len(order) == 2 {
			line.Push("d", "d1")
		}
	}
	if want := []string{"a1", "b1", "c1", "a2", "b2", "d1", "a3"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

// TestWhoHasMostMakesRoom: the last that came goes, and nobody else's.
func TestWhoHasMostMakesRoom(t *testing.T) {
	line := NewLine[string]()
	for _, item := range []string{"b1", "a1", "a2", "a3", "b2"} {
		line.Push(item[:1], item)
	}
	var shed, order []string
	for range 2 {
		shed = append(shed, line.Shed())
	}
	for line.Len() > 0 {
		order = append(order, line.Pop())
	}
	if !slices.Equal(shed, []string{"a3", "b2"}) || !slices.Equal(order, []string{"b1", "a1", "a2"}) {
		t.Errorf("%v went, %v stayed", shed, order)
	}
}

// TestNothingOfALineIsLost, nor stays behind.
func TestNothingOfALineIsLost(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	line, there := NewLine[int](), map[int]bool{}
	take := func(item int) {
		if !there[item] {
			t.Fatalf("%d came twice, or never was there", item)
		}
		delete(there, item)
	}
	for n := range 20_000 {
		switch what := random.IntN(5); {
		case what < 3 && n < 10_000:
			line.Push(string(rune('a'+random.IntN(20))), n)
			there[n] = true
		case line.Len() > 0 && what == 3:
			take(line.Shed())
		case line.Len() > 0:
			take(line.Pop())
		}
		if line.Len() != len(there) {
			t.Fatalf("%d wait, and the line says %d", len(there), line.Len())
		}
	}
	if len(there)+len(line.waiting)+len(line.turns) > 0 {
		t.Errorf("%d are left, of %d namespaces, with %d turns", len(there), len(line.waiting), len(line.turns))
	}
}
