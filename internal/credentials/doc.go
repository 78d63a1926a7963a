// SPDX-License-Identifier: Apache-2.0

// Package credentials keeps what is made of a source and of a Secret that it names, such as a client of Studio, for as long as both
// stay the same: Cache.Get is the way in, and Watcher sees that a Secret has changed. Secrets are read by name, only of type Opaque,
// and only for their keys in use. The package must not keep a Secret, or ask anybody but the Kubernetes API server.
package credentials
