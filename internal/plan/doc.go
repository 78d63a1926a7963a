// SPDX-License-Identifier: Apache-2.0

// Package plan decides what to do about what was observed. Plan compares observed tasks with the stored ones and returns the actions
// to carry out; Limits and Deletion are the only other ways to a deletion; Oldest says how far history goes back. Recheck is the
// table of what Studio's answer about a single task means, by why the task was asked for.
//
// All of it is pure: no clock, no network, no cluster. What an object should hold is mirror's to say. It must not delete what was
// not observed, nor plan anything where nothing changed.
package plan
