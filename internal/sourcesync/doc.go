// SPDX-License-Identifier: Apache-2.0

// Package sourcesync mirrors sources: each polls, lists everything now and then, and looks at single tasks again, in goroutines of
// its own. Waiting for one source's API holds nothing that another source needs.
//
// Engine.Sync starts what is due of a source and returns how the last step ended; Engine.Recheck has one task looked at again;
// Engine.Forget ends it all. None of them waits.
//
// The package writes no LivepeerTaskSource and knows no controller-runtime; what a task should look like is mirror's, and who may
// write it is taskstore's.
package sourcesync
