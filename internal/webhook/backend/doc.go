// SPDX-License-Identifier: Apache-2.0

// Package backend connects the receiver of webhooks with the sources: New makes the Backend, which knows which source has
// which webhook secret, sets the source's condition Receiving, and passes the notifications on to the engine.
//
// It must not ask Studio, or read Secrets itself: whoever opens a source's session tells it (Admit, Opened).
package backend
