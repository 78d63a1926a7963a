// SPDX-License-Identifier: Apache-2.0

// Package unserved keeps a namespace in which the operator lacks rights from keeping the others unserved: one of several in
// --watch-namespaces whose Role or RoleBinding is missing, or that is gone with them.
//
// Sources is the door, and Tell what is said of it. Package taskfeed does the same for tasks. The package must not hide what was readable
// once.
package unserved
