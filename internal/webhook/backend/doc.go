// SPDX-License-Identifier: Apache-2.0

// Package backend stands between the receiver of webhooks and the sources: New makes the Backend, which knows which source has
// which webhook secret, says so in the source's condition Receiving, and hands the notifications on to the engine.
//
// It must not ask Studio, or read Secrets itself: whoever opens a source's session tells it (Admit, Opened).
package backend
