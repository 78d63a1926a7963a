// SPDX-License-Identifier: Apache-2.0

// Package scan reads JSON without decoding it: New for what is in memory, NewStream for what is still to come. It must not keep more
// than the value at hand, or know what the JSON means.
package scan
