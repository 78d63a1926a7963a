// SPDX-License-Identifier: Apache-2.0

// Package events writes Kubernetes Events, each once and in the background: Log.Tell is the only entry point. An Event that can't be
// written is dropped and counted. The package must not block its callers, or decide what is worth an Event.
package events
