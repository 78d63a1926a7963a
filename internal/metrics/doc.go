// SPDX-License-Identifier: Apache-2.0

// Package metrics defines every metric of the operator (Definitions), and keeps those that belong to a source (New). Other packages
// make and register theirs with NewCounter, NewGauge, NewHistogram and Register. What is not defined here is not exported, and
// docs/metrics.md is made from it.
//
// It must not put a task's content into a label, except its type and phase if they are known ones.
package metrics
