// SPDX-License-Identifier: Apache-2.0

// Package backlog bounds the memory that all sources share: for tasks that are read and not written yet, for what listings remember,
// and for large tasks being read. Share is one source's share of the first two. It must not know what is read, nor decide who waits.
package backlog
