// SPDX-License-Identifier: Apache-2.0

// Package serving serves a manager's health probes (Probes) and metrics (Metrics). Their ports are open to every pod, and
// controller-runtime's own servers take headers of a megabyte on any number of connections. It must not know what is checked or measured.
package serving
