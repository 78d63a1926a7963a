// SPDX-License-Identifier: Apache-2.0

// Package unserved lets the operator serve the other namespaces of --watch-namespaces when it lacks rights in one, because a Role or
// RoleBinding is missing there, or the namespace is gone with them.
//
// Sources is the entry point, for the cache of LivepeerTaskSources; Tell writes the log message. Package taskfeed does the same for
// tasks. The package must not hide what was readable once.
package unserved
