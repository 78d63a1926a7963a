// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/types"
)

func key(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// TestOneNamespaceKeepsNobodyWaiting: 500 sources of one namespace hold what one namespace may hold. Others are let in at once, and
// where all slots are taken, each namespace has its turn.
func TestOneNamespaceKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := NewGate(6, 4)
		ctx, cancel := context.WithCancel(t.Context())
		held := make(chan func(), 500)
		var waiting sync.WaitGroup
		for n := range 500 {
			waiting.Go(func() {
				if release, err := gate.Acquire(ctx, key("many", fmt.Sprint(n))); err == nil {
					held <- release
				}
			})
		}
		synctest.Wait()
		if len(held) != 4 {
			t.Fatalf("one namespace holds %d slots", len(held))
		}
		one, err := gate.Acquire(t.Context(), key("one", "main"))
		if err != nil {
			t.Fatal(err)
		}
		defer one()
		two, err := gate.Acquire(t.Context(), key("two", "main"))
		if err != nil {
			t.Fatal(err)
		}
		third := make(chan struct{})
		go func() {
			if release, err := gate.Acquire(t.Context(), key("three", "main")); err == nil {
				defer release()
				close(third)
			}
		}()
		synctest.Wait()
		two()
		synctest.Wait()
		select {
		case <-third:
		default:
			t.Error("the next slot is not for the namespace whose turn it is")
		}
		cancel()
		waiting.Wait()
		if got := len(gate.namespaces); got != 2 {
			t.Errorf("%d namespaces are kept", got)
		}
	})
}

// TestSourcesOfANamespaceTakeTurns, however much one of them waits for.
func TestSourcesOfANamespaceTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := NewGate(1, 1)
		first, _ := gate.Acquire(t.Context(), key("a", "busy"))
		order := make(chan string, 10)
		for _, name := range []string{"busy", "busy", "busy", "other"} {
			go func() {
				release, err := gate.Acquire(t.Context(), key("a", name))
				if err == nil {
					order <- name
					release()
				}
			}()
			synctest.Wait()
		}
		first()
		synctest.Wait()
		if a, b := <-order, <-order; a != "busy" || b != "other" {
			t.Errorf("%s, then %s", a, b)
		}
	})
}

// TestNoSlotIsLost, whoever gives up waiting and whenever.
func TestNoSlotIsLost(t *testing.T) {
	gate := NewGate(5, 3)
	var holding atomic.Int32
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			for range 50 {
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(2) == 0 {
					go cancel()
				}
				release, err := gate.Acquire(ctx, key(fmt.Sprint(n%4), fmt.Sprint(n)))
				if err == nil {
					if holding.Add(1) > 5 {
						t.Error("more are let in than there are slots")
					}
					holding.Add(-1)
					release()
				}
				cancel()
			}
		})
	}
	all.Wait()
	if gate.free != 5 || len(gate.namespaces) != 0 || gate.turns.Len() != 0 {
		t.Errorf("%d slots are free, %d namespaces kept, %d wait", gate.free, len(gate.namespaces), gate.turns.Len())
	}
}

// TestWanted: a slot is wanted where who waits would get it, and to ask changes nothing.
func TestWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := NewGate(3, 2)
		a, b := key("a", "main"), key("b", "main")
		for _, source := range []types.NamespacedName{a, a, b} {
			if _, ok := gate.TryAcquire(source); !ok {
				t.Fatal("no slot")
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		for _, step := range []struct {
			waits    types.NamespacedName
			ofA, ofB bool
		}{
			{a, true, false}, // it has all that it may have
			{b, true, true},
			{key("c", "main"), true, true},
		} {
			waiting, end := context.WithCancel(ctx)
			go func() { _, _ = gate.Acquire(waiting, step.waits) }()
			synctest.Wait()
			for range 2 {
				if gate.Wanted(a) != step.ofA || gate.Wanted(b) != step.ofB || gate.Wanted(key("d", "main")) {
					t.Errorf("%s waits: %t, %t", step.waits, gate.Wanted(a), gate.Wanted(b))
				}
			}
			end()
			synctest.Wait()
		}
		cancel()
		if gate.Wanted(a) || gate.Wanted(b) || len(gate.namespaces) != 2 || gate.free != 0 {
			t.Error("nobody waits any more")
		}
	})
}
