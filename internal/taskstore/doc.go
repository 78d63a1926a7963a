// SPDX-License-Identifier: Apache-2.0

// Package taskstore knows what the cluster holds of LivepeerTasks, and is the only one that writes them.
//
// Index keeps some 400 bytes of each stored task. It is told what taskfeed sees of the API server. Writer carries out plans and tells the
// index of its own writes, so that the index is never behind them. What is neither known nor an own write was changed by somebody else:
// that is told to whoever asked for it (Index.NotifyExternalChanges).
//
// The package asks Studio for nothing, and decides nothing about what a task should be: that is mirror's.
package taskstore
