// SPDX-License-Identifier: Apache-2.0

// Package events writes Kubernetes Events, each once and in the background: Log.Tell is the only way in. What can't be written is
// dropped and counted. It must not keep anybody waiting, or decide what is worth an Event.
package events
