// SPDX-License-Identifier: Apache-2.0

// Package cloudevents sends CloudEvents about the phases of tasks. The outbox is in each task's own status; Reconciler makes events of
// it (NewEvent) and sends them over HTTP (Sink), at least once and in order for each task.
//
// It must not queue events in memory, or decide anything about mirroring.
package cloudevents
