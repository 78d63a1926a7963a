// SPDX-License-Identifier: Apache-2.0

// Package decode fills the fields of Go types from JSON that nobody vouches for: only what the types have a field for, without
// credentials, within bounds, and with a note of what was left out. One odd value loses its field, never the rest.
//
// Tree reads the JSON, LayoutOf works out what is taken of an object, and a Decoder takes it. What a field takes (text, a URL, a number
// that is rounded) follows from its Go type and its name.
//
// All of it is pure. It must not know the members of a task itself: those are mirror's.
package decode
