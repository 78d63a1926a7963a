// SPDX-License-Identifier: Apache-2.0

// Package backlog bounds what all sources together have read and not written yet, what their listings remember, and how many large
// tasks they read at once, whatever they do: Share is a source's part of it. It must not know what is read, nor decide who waits for it.
package backlog
