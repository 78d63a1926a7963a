// SPDX-License-Identifier: Apache-2.0

// Package decode fills the fields of Go types from untrusted JSON: only known fields, without credentials, within bounds, and with a
// note of what was left out. An odd value costs its own field, never the rest.
//
// Tree reads the JSON, LayoutOf works out which members an object has, and a Decoder decodes them. What a field accepts (text, a URL, a
// number to be rounded) follows from its Go type and its name.
//
// All of it is pure. It must not know the members of a task itself: mirror does.
package decode
