// SPDX-License-Identifier: Apache-2.0

// Package view shows a text as the rules of the masking see it: Of decodes what is encoded in it, leaves out what nobody sees, and makes
// ASCII of what only looks different. Each byte knows where it came from and how often it was decoded. What a byte is (a letter, a
// quote) is told here too. It knows no credential.
package view
