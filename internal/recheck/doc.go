// SPDX-License-Identifier: Apache-2.0

// Package recheck asks Studio for single tasks of a source by ID, and does what plan.Recheck says of the answer: for edits by others
// and for webhooks it writes; what a step of the source asks for, it returns.
//
// Queue is the door: Queue.Recheck and Queue.Push let a task wait, each once for each reason, Queue.AskAll asks for several and waits,
// and Queue.NewAsking asks for many while the step goes on.
// Queue.Handoff is what steps and questions tell each other.
//
// It must not list, nor delete: what is too much for single questions becomes a poll or a full sync of the source.
package recheck
