// SPDX-License-Identifier: Apache-2.0

// Package taskevents decides which writes of tasks are worth a Kubernetes Event, and what the Event says: Teller is told of each write.
// It must not write Events itself, or keep a write waiting.
package taskevents
