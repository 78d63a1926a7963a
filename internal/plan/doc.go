// SPDX-License-Identifier: Apache-2.0

// Package plan decides what to write. Plan compares observed tasks with the stored ones and returns the actions to carry out. Limits
// and Deletion are the only other ways to a deletion. Oldest says how far history goes back. Recheck is the table of what Studio's
// answer about a single task means, for each reason to ask.
//
// All of it is pure: no clock, no network, no cluster. Package mirror says what an object should hold. Plan must not delete a task
// because it was not observed, nor plan anything where nothing changed.
package plan
