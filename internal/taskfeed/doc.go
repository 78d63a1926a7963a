// SPDX-License-Identifier: Apache-2.0

// Package taskfeed keeps the index of stored tasks in step with the API server: it lists and watches LivepeerTasks, and reads single
// tasks whose watch event has only their metadata.
//
// Open is the entry point; Feeds reports whether all tasks were read. The package must not write, nor keep a task: the index does.
package taskfeed
