// SPDX-License-Identifier: Apache-2.0

// Package condition has the error type that says what a source's condition reports (Error), makes an error of a panic (Contain), and
// keeps texts and pauses within bounds (Bounded, Backoff). It must not know an error of any other package.
package condition
