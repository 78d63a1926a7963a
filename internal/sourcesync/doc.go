// SPDX-License-Identifier: Apache-2.0

// Package sourcesync works on each source when something is due, in steps that run in goroutines of its own. Waiting for one
// source's API holds nothing that another source needs.
//
// Engine.Sync starts what is due of a source and returns how the last step ended; what is due later starts by itself, and the engine
// asks for a Sync where it has something to say. Engine.Recheck and Engine.Push have one task looked at again; Engine.Forget ends it
// all. None of them waits.
//
// The package writes no LivepeerTaskSource and knows no controller-runtime. What a step does is syncstep's, what is asked about single
// tasks is recheck's, and what follows from how far a source has come is syncstate's.
package sourcesync
