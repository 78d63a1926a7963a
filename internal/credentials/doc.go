// SPDX-License-Identifier: Apache-2.0

// Package credentials caches what is made of a source and of a Secret that it names, such as a client of Studio, for as long as
// both stay the same. Entry points are Cache.Get, and Watcher, which notices that a Secret has changed. Secrets are read by name, only
// of type Opaque, and only for the keys in use. The package must not keep a Secret, or call anything but the Kubernetes API server.
package credentials
