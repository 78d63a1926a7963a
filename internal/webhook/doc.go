// SPDX-License-Identifier: Apache-2.0

// Package webhook receives the webhooks of Livepeer Studio: New makes the Receiver, an HTTP server for a manager. The leader
// verifies the signature of a delivery and passes on the ID of its task (Sources.Notify); a follower forwards the delivery to the
// leader. A delivery is a notification and nothing more: the task itself is read from the API.
//
// It must not know of Kubernetes, use more memory than its bounds whatever is sent to it, or make a call for a delivery that is
// not verified.
package webhook
