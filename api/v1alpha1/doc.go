// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the custom resources of the group studio.livepeer.org.
//
// LivepeerTaskSource says where tasks come from: the API of one Livepeer Studio project. LivepeerTask is one task of it,
// mirrored: what it was asked to do (spec) and what has become of it (status). The package depends on
// k8s.io/apimachinery alone, so that other controllers can import it cheaply.
//
// +kubebuilder:object:generate=true
// +groupName=studio.livepeer.org
package v1alpha1
