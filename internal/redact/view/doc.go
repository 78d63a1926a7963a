// SPDX-License-Identifier: Apache-2.0

// Package view is a text as the rules of masking see it: Of decodes what is encoded in it, drops what is invisible, and makes
// ASCII of what only looks different. Each byte knows where it came from and how often it was decoded. The package also classifies bytes
// (a letter, a quote). It knows no credential.
package view
