// SPDX-License-Identifier: Apache-2.0

// Package webhook takes in the webhooks of Livepeer Studio: New makes the Receiver, an HTTP server for a manager. A delivery is a
// notification and nothing more: once its signature is verified, the ID of its task is handed on (Sources.Notify), or the whole
// delivery to the replica that leads, and what the task is like is read from the API.
//
// It must not know of Kubernetes, keep more memory than its bounds whatever is sent to it, or ask anybody about a delivery that is
// not verified.
package webhook
