// SPDX-License-Identifier: Apache-2.0

// Package plan decides what follows from the answer of Studio about a single task. Recheck is the whole table: what an answer means,
// by why the task was asked for. It is pure, and must not ask, write or know the time.
package plan
