// SPDX-License-Identifier: Apache-2.0

package main

// whys say for each verb of the operator's roles what it is needed for. A right without a reason is an error, and so is a
// reason without a right.
func whys() map[string]string {
	const (
		tasks   = "manager-role livepeertasks.studio.livepeer.org "
		sources = "manager-role livepeertasksources.studio.livepeer.org "
		leases  = "leader-election-role leases.coordination.k8s.io "

		know   = "know what is stored, and notice what others change"
		follow = "notice new, changed and deleted sources"
		lead   = "let only one replica work at a time"
	)
	return map[string]string{ //nolint:gosec // Reasons, no credentials.
		"manager-role secrets get":   "read the key that a source refers to, when it changed",
		"manager-role secrets watch": "notice at once that it changed, by the Secret's version",

		tasks + "create": "mirror a new task",
		tasks + "delete": "drop a task that is gone from Studio, or that `history` or `types` leaves out",
		tasks + "get":    "look at one task again that somebody else changed meanwhile",
		tasks + "list":   know,
		tasks + "update": "put spec, labels and owner right again",
		tasks + "watch":  know,
		"manager-role livepeertasks/status.studio.livepeer.org update": "write what became of a task",

		sources + "list":  follow,
		sources + "watch": follow,
		"manager-role livepeertasksources/status.studio.livepeer.org patch": "say in the source's status how it goes",

		"manager-role events.events.k8s.io create": "tell what became of a task, and how a source is",

		leases + "create":                    lead,
		leases + "get":                       lead,
		leases + "update":                    lead,
		"leader-election-role events create": "say which replica leads",

		"metrics-auth-role tokenreviews.authentication.k8s.io create":        "ask who reads the metrics",
		"metrics-auth-role subjectaccessreviews.authorization.k8s.io create": "ask whether they may",

		"task-writer-role livepeertasks.studio.livepeer.org mirror": "pass the admission policy; it allows nothing else",

		"metrics-reader": "read the metrics",

		"livepeertask-viewer-role":       "joins `view`",
		"livepeertask-editor-role":       "joins `edit`; patch is for labels and annotations",
		"livepeertask-admin-role":        "joins `admin`; patch is for labels and annotations",
		"livepeertasksource-viewer-role": "joins `view`",
		"livepeertasksource-editor-role": "joins `edit`",
		"livepeertasksource-admin-role":  "joins `admin`",
	}
}
