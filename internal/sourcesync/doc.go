// SPDX-License-Identifier: Apache-2.0

// Package sourcesync mirrors sources: each polls, and lists everything now and then, in steps that run in goroutines of
// its own. Waiting for one source's API holds nothing that another source needs.
//
// Engine.Sync starts what is due of a source and returns how the last step ended; Engine.Recheck and Engine.Push have one task looked
// at again; Engine.Forget ends it all. None of them waits.
//
// The package writes no LivepeerTaskSource and knows no controller-runtime; what a task should look like is mirror's, who may
// write it is taskstore's, and what follows from how far a source has come is syncstate's.
package sourcesync
