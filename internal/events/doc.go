// SPDX-License-Identifier: Apache-2.0

// Package events writes Kubernetes Events, each once and in the background: Log.Tell is the only way in. What can't be written is
// dropped and counted; nothing waits for it.
package events
