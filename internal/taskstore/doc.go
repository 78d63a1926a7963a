// SPDX-License-Identifier: Apache-2.0

// Package taskstore has the index of the LivepeerTasks in the cluster, and is the only package that writes them.
//
// Index keeps some 400 bytes of each stored task. Package taskfeed tells it what the API server shows. Writer carries out plans and tells
// the index of its own writes, so that the index is never behind them. Content that the index does not know, and that Writer did not
// write, was changed by somebody else: the index reports it to the callback of Index.NotifyExternalChanges.
//
// The package does not ask Studio, and does not decide what a task should be: mirror does.
package taskstore
