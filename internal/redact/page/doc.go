// SPDX-License-Identifier: Apache-2.0

// Package page holds a text while it is gone through (New): what of it is to be masked (Hide, Apply), and how many steps that
// took (Full). It reads what has an extent: quotes, brackets, values without either. It doesn't decide whether something is a credential.
package page
