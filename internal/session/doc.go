// SPDX-License-Identifier: Apache-2.0

// Package session opens what is asked of a source: its Secret and spec become a client of Studio and a redactor, kept for as long as
// both stay the same. Connector.Connect is the way in; the receiver of webhooks hears of each source that is opened. It must not keep
// a Secret, and must not ask Studio.
package session
