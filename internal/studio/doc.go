// SPDX-License-Identifier: Apache-2.0

// Package studio reads tasks from the Livepeer Studio API without loss: New makes a Client, Client.Get reads one task by its ID, and
// Client.NewPass lists many, page by page. Errors are typed (Error, with a Kind; ConfigError), and say what to do about them. Hosts
// says which addresses the API or a sink may have; Pool.NewTransport enforces it.
//
// It sends GET requests only, holds one task of a listing in memory at a time, and lets no credential into an error. It must not know
// of Kubernetes, and must not decide what becomes of a task.
package studio
