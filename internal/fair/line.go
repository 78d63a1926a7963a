// SPDX-License-Identifier: Apache-2.0

package fair

import "slices"

// Line is a queue in which namespaces take turns: the next item is the first one of the namespace whose turn it is, however many items
// of another wait. It is not safe for concurrent use.
type Line[T any] struct {
	waiting map[string][]T // by namespace, the first one first
	turns   []string       // namespaces with waiting items, the next one first
	length  int
}

// NewLine returns a line in which nothing waits.
func NewLine[T any]() *Line[T] { return &Line[T]{waiting: map[string][]T{}} }

// Len returns the number of waiting items.
func (l *Line[T]) Len() int { return l.length }

// Of returns the number of waiting items of a namespace.
func (l *Line[T]) Of(namespace string) int { return len(l.waiting[namespace]) }

// Push adds an item, behind all others of its namespace.
func (l *Line[T]) Push(namespace string, item T) {
	if len(l.waiting[namespace]) == 0 {
		l.turns = append(l.turns, namespace)
	}
	l.waiting[namespace] = append(l.waiting[namespace], item)
	l.length++
}

// Pop removes the next item, and puts its namespace last. The line must not be empty.
func (l *Line[T]) Pop() (item T) {
	namespace := l.turns[0]
	l.turns = l.turns[1:]
	waiting := l.waiting[namespace]
	item, waiting[0] = waiting[0], item
	l.keep(namespace, waiting[1:])
	if len(waiting) > 1 {
		l.turns = append(l.turns, namespace)
	}
	return item
}

// Shed removes the last item of the namespace with the most items, to make room. The line must not be empty.
func (l *Line[T]) Shed() (item T) {
	most := l.turns[0]
	for _, namespace := range l.turns {
		if len(l.waiting[namespace]) > len(l.waiting[most]) {
			most = namespace
		}
	}
	waiting := l.waiting[most]
	last := len(waiting) - 1
	item, waiting[last] = waiting[last], item
	l.keep(most, waiting[:last])
	if last == 0 {
		at := slices.Index(l.turns, most)
		l.turns = slices.Delete(l.turns, at, at+1)
	}
	return item
}

// keep sets the items of a namespace that still wait, one less than before.
func (l *Line[T]) keep(namespace string, waiting []T) {
	l.length--
	if l.waiting[namespace] = waiting; len(waiting) == 0 {
		delete(l.waiting, namespace)
	}
}
