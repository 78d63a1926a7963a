// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/types"
)

// queue is a gate and who waits for it, in a bubble where nothing happens by accident.
type queue struct {
	t     *testing.T
	gate  *Gate
	order []string // of who was let in, and has gone again
}

// wait lets somebody wait, who goes again as soon as they are let in, and returns how they give up.
func (q *queue) wait(source types.NamespacedName) (giveUp func()) {
	ctx, cancel := context.WithCancel(q.t.Context())
	q.t.Cleanup(cancel)
	go func() {
		if release, err := q.gate.Acquire(ctx, source); err == nil {
			q.order = append(q.order, source.String())
			release()
		}
	}()
	synctest.Wait()
	return func() {
		cancel()
		synctest.Wait()
	}
}

// hold takes a slot that is free.
func (q *queue) hold(source types.NamespacedName) (release func()) {
	q.t.Helper()
	giveBack, ok := q.gate.TryAcquire(source)
	if !ok {
		q.t.Fatalf("%s finds no slot", source)
	}
	return func() {
		giveBack()
		synctest.Wait()
	}
}

// end fails unless all had their turns in this order, and nothing is left of anybody.
func (q *queue) end(slots int, want ...string) {
	q.t.Helper()
	if !slices.Equal(q.order, want) {
		q.t.Errorf("let in were %v, want %v", q.order, want)
	}
	if q.gate.free != slots || len(q.gate.namespaces) != 0 || q.gate.turns.Len() != 0 {
		q.t.Errorf("%d slots are free, %d namespaces kept, %d wait", q.gate.free, len(q.gate.namespaces), q.gate.turns.Len())
	}
}

// TestNamespacesTakeTurns, however many of one of them wait.
func TestNamespacesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{t: t, gate: NewGate(1, 1)}
		release := q.hold(key("held", "x"))
		for _, of := range []string{"a", "a", "a", "b", "b", "c"} {
			q.wait(key(of, "x"))
		}
		release()
		q.end(1, "a/x", "b/x", "c/x", "a/x", "b/x", "a/x")
	})
}

// TestWhoGivesUpTakesNoTurn: neither the first nor the last nor the only one who waits.
func TestWhoGivesUpTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{t: t, gate: NewGate(1, 1)}
		release := q.hold(key("held", "x"))
		var givingUp []func()
		for _, of := range []types.NamespacedName{key("a", "x"), key("a", "x"), key("a", "y"), key("a", "x"), key("b", "x"), key("c", "x")} {
			giveUp := q.wait(of)
			if n := len(givingUp); n != 1 && n != 5 { // the second and the last stay
				givingUp = append(givingUp, giveUp)
			} else {
				givingUp = append(givingUp, func() {})
			}
		}
		for _, giveUp := range givingUp {
			giveUp()
		}
		if n := len(q.gate.namespaces); n != 3 {
			t.Errorf("%d namespaces are kept", n)
		}
		release()
		q.end(1, "a/x", "c/x")
	})
}

// TestWhoGivesUpAsTheirTurnComes gives it on.
func TestWhoGivesUpAsTheirTurnComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			q := &queue{t: t, gate: NewGate(1, 1)}
			q.hold(key("held", "x"))
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if release, err := q.gate.Acquire(ctx, key("a", "x")); err == nil {
					release()
				}
			}()
			synctest.Wait()
			q.gate.mu.Lock()
			cancel()
			runtime.Gosched()
			q.gate.give(q.gate.namespaces["held"])
			q.gate.mu.Unlock()
			synctest.Wait()
			q.end(1)
		}
	})
}

// TestNoMoreThanThereAre: neither who can wait nor who can't gets a slot that is not there, or is not their namespace's.
func TestNoMoreThanThereAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{t: t, gate: NewGate(3, 2)}
		first, second := q.hold(key("a", "x")), q.hold(key("a", "x"))
		if _, ok := q.gate.TryAcquire(key("a", "y")); ok {
			t.Error("a namespace has more than its share")
		}
		third := q.hold(key("b", "x"))
		if _, ok := q.gate.TryAcquire(key("b", "x")); ok {
			t.Error("there is a slot more")
		}
		if _, ok := q.gate.TryAcquire(key("c", "x")); ok || len(q.gate.namespaces) != 2 {
			t.Errorf("there is a slot more: %v; or who got none is remembered: %d namespaces", ok, len(q.gate.namespaces))
		}
		q.wait(key("b", "y"))
		q.wait(key("a", "y"))
		if len(q.order) != 0 {
			t.Errorf("%v were let in", q.order)
		}
		third()
		if want := []string{"b/y"}; !slices.Equal(q.order, want) {
			t.Errorf("let in were %v, want %v: the other's namespace has its share", q.order, want)
		}
		first()
		second()
		q.end(3, "b/y", "a/y")
	})
}

// TestTheLastAreForThoseWhoHoldFew: they need not wait for who holds many, and these wait until there is more.
func TestTheLastAreForThoseWhoHoldFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{t: t, gate: NewGate(6, 5).Keeping(3, 2)}
		var held []func()
		for range 3 {
			held = append(held, q.hold(key("a", "x")))
		}
		if _, ok := q.gate.TryAcquire(key("a", "x")); ok {
			t.Error("who holds many has one of the last")
		}
		q.wait(key("a", "y"))
		held = append(held, q.hold(key("b", "x")), q.hold(key("b", "x")), q.hold(key("c", "x")))
		if _, ok := q.gate.TryAcquire(key("d", "x")); ok {
			t.Error("there is a slot more")
		}
		q.wait(key("d", "x"))
		held[3]() // of b
		if want := []string{"d/x"}; !slices.Equal(q.order, want) {
			t.Errorf("let in were %v, want %v", q.order, want)
		}
		for n, release := range held {
			if n != 3 {
				release()
			}
		}
		q.end(6, "d/x", "a/y")
	})
}
