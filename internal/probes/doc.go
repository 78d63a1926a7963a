// SPDX-License-Identifier: Apache-2.0

// Package probes serves a manager's health probes (Serve). Their port is open to every pod, and controller-runtime's own server takes
// headers of a megabyte on any number of connections. It must not know what is checked.
package probes
