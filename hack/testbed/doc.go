// SPDX-License-Identifier: Apache-2.0

// Package testbed sets up what the operator runs in, on loopback: a control plane with config/default installed (Start),
// simulated Studios (StartStudio), and the operator's binary as a process under its own ServiceAccount's rights (StartOperator).
// The demo, the benchmark and the soak stand on it. It must not know what they show, measure or break.
package testbed
