// SPDX-License-Identifier: Apache-2.0

// Package condition holds what a condition of a source says of an error (Error), and keeps texts and pauses within bounds (Bounded,
// Backoff), and makes one of a panic (Contain). It must not know an error of any other package.
package condition
