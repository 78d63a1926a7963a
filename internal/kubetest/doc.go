// SPDX-License-Identifier: Apache-2.0

// Package kubetest is a Kubernetes API server in memory (NewAPI), as far as the operator needs one for one source, and makes objects
// for tests (ASource, ATask). It must not be imported by what is shipped, or know how the operator works.
package kubetest
