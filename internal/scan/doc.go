// SPDX-License-Identifier: Apache-2.0

// Package scan reads JSON without decoding it: New scans JSON in memory, NewStream reads it from a stream. It must not keep more than
// the current value, or know what the JSON means.
package scan
