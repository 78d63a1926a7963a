// SPDX-License-Identifier: Apache-2.0

// Package recheck asks Studio for single tasks of a source by ID, and does what plan.Recheck says of the answer: after edits by others
// and webhooks it writes the task; the answers to a step's own questions it returns to the step.
//
// Queue is the entry point: Queue.Recheck and Queue.Push queue a task, once for each reason. Queue.AskAll asks for several tasks and
// waits for the answers; Queue.NewAsking asks for many while the step goes on.
// Queue.Handoff is how steps and questions inform each other.
//
// It must not list or delete: if there are too many tasks to ask for, it has the source polled or fully synced.
package recheck
