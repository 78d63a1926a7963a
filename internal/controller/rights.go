// SPDX-License-Identifier: Apache-2.0

package controller

// What the operator may do in the cluster. Each right has its reason in the generator of docs/rights.md.
//
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create
// +kubebuilder:rbac:groups=studio.livepeer.org,resources=livepeertasks,verbs=get
// +kubebuilder:rbac:groups=studio.livepeer.org,resources=livepeertasks,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups=studio.livepeer.org,resources=livepeertasks/status,verbs=update
// +kubebuilder:rbac:groups=studio.livepeer.org,resources=livepeertasksources,verbs=list;watch
// +kubebuilder:rbac:groups=studio.livepeer.org,resources=livepeertasksources/status,verbs=patch
