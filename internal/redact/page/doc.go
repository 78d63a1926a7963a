// SPDX-License-Identifier: Apache-2.0

// Package page holds a text while it is scanned (New): the ranges to be masked (Hide, Apply), and the number of steps so far (Full).
// It finds the extent of quotes, brackets, and values without either. It doesn't decide whether something is a credential.
package page
