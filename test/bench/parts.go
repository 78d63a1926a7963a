// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"slices"
)

// part is something that is measured with a control plane of its own.
type part struct {
	name string
	run  func(context.Context, *runner) error
	// once: it takes long, and its figures need no pair, so that it is done in the first run only.
	once bool
}

func parts() []part {
	return []part{
		{name: "bare", run: measureBare},
		{name: "operator", run: measureOperator},
		{name: "latency", run: measureLatency, once: true},
		{name: "push", run: measurePush, once: true},
		{name: "busy", run: measureBusy, once: true},
		{name: "history", run: measureHistory, once: true},
		{name: "deletions", run: measureDeletions, once: true},
		{name: "sources", run: measureSources, once: true},
		{name: "stored", run: measureStored, once: true},
		{name: "crd", run: measureCRD, once: true},
		{name: "informer", run: measureInformer, once: true},
		{name: "reconciler", run: measureReconciler, once: true},
		{name: "shell", run: measureShell, once: true},
	}
}

// runner measures one size.
type runner struct {
	opts   options
	tasks  int
	result *result
	out    io.Writer
	// concurrency at which the bare API server is fastest; 0 until it is known.
	concurrency int
	// What was measured in this turn, for ratios within a pair; zero until it is known.
	bareFirst, bareChange, first, change pace
}

// pace is how fast something went, and how much CPU everybody together spent on 1,000 tasks.
type pace struct{ rate, cpu float64 }

// turn returns the parts of one run. Every second run measures the operator before the bare API server, so that neither
// is always the first.
func (r *runner) turn(i int) []part {
	r.bareFirst, r.bareChange, r.first, r.change = pace{}, pace{}, pace{}, pace{}
	var turn []part
	for _, p := range parts() {
		if slices.Contains(r.opts.parts, p.name) && (i == 0 || !p.once) {
			turn = append(turn, p)
		}
	}
	if i%2 == 1 && len(turn) > 1 && turn[0].name == "bare" && turn[1].name == "operator" {
		turn[0], turn[1] = turn[1], turn[0]
	}
	return turn
}

// pair notes the ratios to the bare API server, once both are measured.
func (r *runner) pair() {
	if r.bareFirst.rate > 0 && r.first.rate > 0 {
		r.result.add("first.ratio", r.first.rate/r.bareFirst.rate)
		r.result.add("change.ratio", r.change.rate/r.bareChange.rate)
		r.result.add("first.work", r.bareFirst.cpu/r.first.cpu)
		r.result.add("change.work", r.bareChange.cpu/r.change.cpu)
	}
}

// perThousand turns what all tasks took into what 1,000 take.
func perThousand(total float64, tasks int) float64 { return total * 1000 / float64(tasks) }
