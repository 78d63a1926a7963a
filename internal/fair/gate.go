// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"container/list"
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Gate has a number of slots. Whoever holds one holds it until it is released.
type Gate struct {
	mu           sync.Mutex
	free         int
	perNamespace int
	kept, few    int // the last kept slots are only for namespaces that hold fewer than few
	namespaces   map[string]*tenant
	turns        *list.List // of *tenant: namespaces with waiters, the next one first
}

// tenant is a namespace that holds slots, or waits for them.
type tenant struct {
	name    string
	held    int
	sources map[string]*list.List // of chan struct{}: the waiters of each source
	turns   *list.List            // of string: sources with waiters, the next one first
	at      *list.Element         // in Gate.turns; nil if nobody waits
}

// NewGate returns a gate with so many slots, of which one namespace holds at most perNamespace.
func NewGate(slots, perNamespace int) *Gate {
	return &Gate{free: slots, perNamespace: perNamespace, namespaces: map[string]*tenant{}, turns: list.New()}
}

// Keeping reserves the last slots for namespaces that hold fewer than few: namespaces that hold many, for as long as they like, leave
// some to the others.
func (g *Gate) Keeping(slots, few int) *Gate {
	g.kept, g.few = slots, few
	return g
}

// TryAcquire takes a slot for a source if one is free now. release gives it back.
func (g *Gate) TryAcquire(source types.NamespacedName) (release func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	of := g.tenant(source.Namespace)
	if !g.has(of) {
		g.tidy(of)
		return nil, false
	}
	g.free--
	of.held++
	return func() { g.release(of) }, true
}

// Acquire waits for a slot for a source. release gives it back. The error is the context's.
func (g *Gate) Acquire(ctx context.Context, source types.NamespacedName) (release func(), err error) {
	g.mu.Lock()
	of := g.tenant(source.Namespace)
	if g.has(of) {
		g.free--
		of.held++
		g.mu.Unlock()
		return func() { g.release(of) }, nil
	}
	granted := of.wait(source.Name)
	if of.at == nil {
		of.at = g.turns.PushBack(of)
	}
	g.mu.Unlock()
	select {
	case <-granted:
		return func() { g.release(of) }, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-granted: // at the same moment
		g.give(of)
	default:
		of.leave(source.Name, granted)
		g.tidy(of)
	}
	return nil, ctx.Err()
}

// Wanted reports whether somebody waits who would get the slot that a source holds if it were given back: a namespace that has all that it
// may have would not get another's.
func (g *Gate) Wanted(holder types.NamespacedName) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	of, holds := g.namespaces[holder.Namespace]
	if !holds || of.held == 0 {
		return false
	}
	for at := g.turns.Front(); at != nil; at = at.Next() {
		waiting, _ := at.Value.(*tenant)
		held := waiting.held
		if waiting == of {
			held--
		}
		if g.grants(g.free+1, held) {
			return true
		}
	}
	return false
}

// has reports whether there is a slot for a namespace. There is none while somebody of the namespace waits: give hands out such slots at
// once. The caller holds the lock.
func (g *Gate) has(of *tenant) bool { return g.grants(g.free, of.held) }

// grants reports whether a namespace that holds so many slots gets one where so many are free.
func (g *Gate) grants(free, held int) bool {
	return free > 0 && held < g.perNamespace && (free > g.kept || held < g.few)
}

func (g *Gate) release(of *tenant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.give(of)
}

// give takes a slot back, and grants free slots to the waiters whose turn it is. The caller holds the lock.
func (g *Gate) give(of *tenant) {
	g.free++
	of.held--
	for next := g.turns.Front(); next != nil && g.free > 0; {
		tenant, _ := next.Value.(*tenant)
		after := next.Next()
		if g.has(tenant) {
			g.free--
			tenant.held++
			close(tenant.next())
			g.turns.MoveToBack(next)
			g.tidy(tenant)
		}
		next = after
	}
	g.tidy(of)
}

func (g *Gate) tenant(name string) *tenant {
	of, ok := g.namespaces[name]
	if !ok {
		of = &tenant{name: name, sources: map[string]*list.List{}, turns: list.New()}
		g.namespaces[name] = of
	}
	return of
}

// tidy forgets a namespace that neither waits nor holds anything. The caller holds the lock.
func (g *Gate) tidy(of *tenant) {
	if of.at != nil && of.turns.Len() == 0 {
		g.turns.Remove(of.at)
		of.at = nil
	}
	if of.at == nil && of.held == 0 {
		delete(g.namespaces, of.name)
	}
}

func (t *tenant) wait(source string) chan struct{} {
	waiting, ok := t.sources[source]
	if !ok {
		waiting = list.New()
		t.sources[source] = waiting
		t.turns.PushBack(source)
	}
	granted := make(chan struct{})
	waiting.PushBack(granted)
	return granted
}

// next removes the first waiter of the source whose turn it is. The source goes to the end.
func (t *tenant) next() chan struct{} {
	first := t.turns.Front()
	source, _ := first.Value.(string)
	waiting := t.sources[source]
	granted, _ := waiting.Remove(waiting.Front()).(chan struct{})
	t.turns.MoveToBack(first)
	t.forget(source, first)
	return granted
}

// leave removes a waiter that has given up.
func (t *tenant) leave(source string, granted chan struct{}) {
	waiting := t.sources[source]
	for at := waiting.Front(); at != nil; at = at.Next() {
		if at.Value == granted {
			waiting.Remove(at)
			break
		}
	}
	for at := t.turns.Front(); at != nil; at = at.Next() {
		if at.Value == source {
			t.forget(source, at)
			break
		}
	}
}

func (t *tenant) forget(source string, at *list.Element) {
	if t.sources[source].Len() == 0 {
		delete(t.sources, source)
		t.turns.Remove(at)
	}
}
