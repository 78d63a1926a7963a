// SPDX-License-Identifier: Apache-2.0

// Package sourcesync decides when each source is worked on, and runs its steps in goroutines. Waiting for one source's API blocks
// nothing that another source needs.
//
// Engine.Sync starts a step if one is due, and returns how the last one ended. Later steps start by themselves, and the engine asks
// for a Sync (Config.Wake) when there is something to report. Engine.Recheck and Engine.Push have a single task read again;
// Engine.Forget ends all work on a source. None of them waits.
//
// The package does not write LivepeerTaskSources and does not know controller-runtime. Package syncstep is what a step does, recheck
// the questions about single tasks, and syncstate what follows from the progress of a source.
package sourcesync
