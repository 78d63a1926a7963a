// SPDX-License-Identifier: Apache-2.0

// Package session makes a source's client of Studio and its redactor from its spec and Secret, and keeps them for as long as both stay
// the same. Connector.Connect is the entry point; it tells the backend of webhooks of each source that it connects. The package must
// not keep a Secret, and must not ask Studio.
package session
