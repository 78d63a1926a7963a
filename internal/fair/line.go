// SPDX-License-Identifier: Apache-2.0

package fair

import "slices"

// Line is what waits, by namespace: the next is the first one of the namespace whose turn it is, however much of another one waits. It is
// not safe for concurrent use.
type Line[T any] struct {
	waiting map[string][]T // by namespace, the first one first
	turns   []string       // namespaces that have something waiting, whose turn is next first
	length  int
}

// NewLine returns a line in which nothing waits.
func NewLine[T any]() *Line[T] { return &Line[T]{waiting: map[string][]T{}} }

// Len returns how much waits.
func (l *Line[T]) Len() int { return l.length }

// Of returns how much of a namespace waits.
func (l *Line[T]) Of(namespace string) int { return len(l.waiting[namespace]) }

// Push lets something wait, behind all of its namespace.
func (l *Line[T]) Push(namespace string, item T) {
	if len(l.waiting[namespace]) == 0 {
		l.turns = append(l.turns, namespace)
	}
	l.waiting[namespace] = append(l.waiting[namespace], item)
	l.length++
}

// Pop takes the next one, which has to be there. Its namespace's turn is the last then.
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

// Shed takes out what came last of the namespace of which most waits, as there is no room for all. Something has to be there.
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

// keep notes what of a namespace still waits, which is one less.
func (l *Line[T]) keep(namespace string, waiting []T) {
	l.length--
	if l.waiting[namespace] = waiting; len(waiting) == 0 {
		delete(l.waiting, namespace)
	}
}
