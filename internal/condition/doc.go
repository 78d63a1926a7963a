// SPDX-License-Identifier: Apache-2.0

// Package condition holds what a condition of a source says of an error (Error), and how texts and pauses are kept within bounds. It
// knows no error of any other package.
package condition
