// SPDX-License-Identifier: Apache-2.0

// Package cloudevents tells others of what becomes of tasks. What has to be told waits in the task's own status; Reconciler makes it
// CloudEvents (NewEvent) and sends them over HTTP (Sink), at least once and in order for each task.
//
// It keeps nothing that is to be sent, and decides nothing about mirroring.
package cloudevents
