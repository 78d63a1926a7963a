// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// row is a line of the table.
type row struct {
	name, label, unit string
	digits            int
	goal              string
	// met reports whether a figure reaches the goal, with so many tasks; nil where there is none.
	met func(value float64, tasks int) bool
}

func atMost(limit float64) func(float64, int) bool {
	return func(value float64, _ int) bool { return value <= limit }
}

func atLeast(limit float64) func(float64, int) bool {
	return func(value float64, _ int) bool { return value >= limit }
}

func exactly(wanted float64) func(float64, int) bool {
	return func(value float64, _ int) bool { return value == wanted }
}

func eachOnce(value float64, tasks int) bool { return int(value) == tasks }

// memoryGoal is 60 MiB and 1.5 KiB for each task.
func memoryGoal(mib float64, tasks int) bool { return mib <= 60+1.5*float64(tasks)/1024 }

const (
	perCPU     = "CPU s per 1,000"
	goalMemory = "60 MiB + 1.5 KiB a task"
)

// rows is the table, from top to bottom.
func rows() []row {
	return slices.Concat(bareRows(), writingRows(), quietRows(), otherRows(), storedRows(), peerRows())
}

func bareRows() []row {
	return []row{
		{"bare.first.rate", "bare API server: create + status update", "tasks/s", 0, "", nil},
		{"bare.change.rate", "bare API server: status merge patch", "tasks/s", 0, "", nil},
		{"bare.concurrency", "its best concurrency", "", 0, "", nil},
		{"bare.first.server", "its CPU, with etcd: create + status update", perCPU, 2, "", nil},
		{"bare.first.cpu", "CPU of the loop that sends: create + status update", perCPU, 2, "", nil},
		{"bare.change.server", "its CPU, with etcd: status merge patch", perCPU, 2, "", nil},
	}
}

// writingRows are what happens where there is much to write.
func writingRows() []row {
	return []row{
		{"first.rate", "first mirror", "tasks/s", 0, "", nil},
		{"first.ratio", "first mirror, to the bare API server", "ratio", 2, "at least 0.95", atLeast(0.95)},
		{"first.work", "first mirror: CPU of all, bare to operator (what a busy machine would give)", "ratio", 2, "", nil},
		{"first.seconds", "first mirror, from source to Ready", "s", 1, "", nil},
		{"first.creates", "first mirror: creates", "", 0, "one a task", eachOnce},
		{"first.statuses", "first mirror: status updates", "", 0, "one a task", eachOnce},
		{"first.others", "first mirror: other writes of tasks", "", 0, "0", exactly(0)},
		{"first.reads", "first mirror: tasks read from Studio, to those there", "ratio", 2, "", nil},
		{"first.cpu", "first mirror: operator", perCPU, 2, "", nil},
		{"first.server", "first mirror: API server and etcd", perCPU, 2, "", nil},
		{"first.studio", "first mirror: simulated Studio and observer", perCPU, 2, "", nil},
		{"first.peak", "first mirror: peak memory", "MiB", 0, goalMemory, memoryGoal},

		{"change.rate", "changes", "tasks/s", 0, "", nil},
		{"change.ratio", "changes, to bare status patches", "ratio", 2, "at least 0.95", atLeast(0.95)},
		{"change.work", "changes: CPU of all, bare to operator", "ratio", 2, "", nil},
		{"change.writes", "changes: writes for each", "", 3, "1", exactly(1)},
		{"change.reads", "changes: tasks read from Studio, to those changed", "ratio", 2, "", nil},
		{"change.cpu", "changes: operator", perCPU, 2, "", nil},
		{"change.server", "changes: API server and etcd", perCPU, 2, "", nil},
		{"change.peak", "changes: peak memory", "MiB", 0, goalMemory, memoryGoal},
	}
}

// quietRows are what happens where there is nothing to write.
func quietRows() []row {
	return []row{
		{"rest.writes", "at rest: writes of tasks in 3 polls", "", 0, "0", exactly(0)},
		{"rest.requests", "at rest: requests to Studio a poll", "", 2, "at most 1", atMost(1)},
		{"rest.bytes", "at rest: bytes from Studio a poll", "B", 0, "at most 1024", atMost(1024)},
		{"rest.cores", "at rest: operator", "cores", 4, "below 0.01", atMost(0.01)},
		{"rest.memory", "at rest: memory", "MiB", 0, goalMemory, memoryGoal},

		{"full.seconds", "full sync, nothing changed", "s", 2, "", nil},
		{"full.cpu", "full sync: operator", perCPU, 3, "reported", nil},
		{"full.writes", "full sync: writes of tasks", "", 0, "0", exactly(0)},
		{"full.reads", "full sync: tasks read from Studio, to those there", "ratio", 2, "", nil},
		{"full.peak", "full sync: peak memory", "MiB", 0, goalMemory, memoryGoal},

		{"restart.ready", "restart: ready after", "s", 2, "", nil},
		{"restart.follows", "restart: a change is shown after", "s", 2, "", nil},
		{"restart.bound", "one list of the API server and one poll", "s", 2, "", nil},
		{"restart.ratio", "restart, to one list and one poll", "ratio", 2, "", nil},
		{"restart.writes", "restart: writes but for that change", "", 0, "0", exactly(0)},
		{"restart.cpu", "restart: operator", perCPU, 3, "", nil},
		{"restart.peak", "restart: peak memory", "MiB", 0, goalMemory, memoryGoal},
	}
}

func otherRows() []row {
	return []row{
		{"latency.p50", "from change to watch, polls each 2 s: median", "s", 2, "", nil},
		{"latency.p99", "from change to watch: 99th percentile", "s", 2, "interval + 0.1 s", atMost(latencyInterval.Seconds() + 0.1)},
		{"push.p50", "pushed, from webhook to watch: median", "ms", 1, "below 50", atMost(50)},
		{"push.p99", "pushed: 99th percentile", "ms", 1, "below 250", atMost(250)},
		{"push.max", "pushed: the longest", "ms", 1, "", nil},
		{"push.writes", "pushed: writes for each", "", 3, "1", exactly(1)},
		{"push.requests", "pushed: requests to Studio for each", "", 3, "", nil},
		{"push.cpu", "pushed: operator", perCPU, 2, "", nil},
		{"busy.p99", "in a first sync, polls each 2 s: 99th percentile", "s", 2, "", nil},
		{"busy.intervals", "in a first sync: the longest, in intervals", "", 2, "at most 2", atMost(2)},

		{"history.reads", "full sync where history keeps a tenth: tasks read, to those mirrored", "ratio", 2, "about 1", atMost(1.5)},
		{"history.writes", "the same: writes", "", 0, "0", exactly(0)},
		{"history.first.writes", "its first sync: writes for each task kept", "", 2, "", nil},

		{"deletions.count", "deleted in Studio at once, polls each second", "tasks", 0, "", nil},
		{"deletions.rate", "deletions followed, from the first question to the last deletion", "tasks/s", 0, "", nil},
		{"deletions.busy", "deletions: questions under way on average, to the most", "ratio", 2, "at least 0.9", atLeast(0.9)},
		{"deletions.most", "deletions: most questions to Studio under way", "", 0, "at most 8", atMost(mostAsked)},
		{"deletions.late", "deletions: the latest poll", "s", 2, "at most 0.1", atMost(0.1)},
		{"deletions.requests", "deletions: questions to Studio for each", "", 2, "1", nil},
		{"deletions.cpu", "deletions: operator", perCPU, 2, "", nil},
		{"deletions.server", "deletions: API server and etcd", perCPU, 2, "", nil},

		{"sources.count", "many sources of 100 tasks", "sources", 0, "", nil},
		{"sources.late", "many sources: latest poll, in % of the interval", "%", 1, "at most 10", atMost(10)},
		{"sources.requests", "many sources: requests a source and poll", "", 2, "at most 1", atMost(1)},
		{"sources.spread", "many sources: busiest tenth of the interval, to the average", "ratio", 2, "", nil},
		{"sources.cores", "many sources at rest: operator", "cores", 4, "at most 0.1", atMost(0.1)},
		{"sources.server", "many sources at rest: API server and etcd", "cores", 4, "", nil},
		{"sources.peak", "many sources at rest: memory", "MiB", 0, "at most 250", atMost(250)},
		{"sources.later", "many sources, 5 minutes later: memory", "MiB", 0, "at most 250", atMost(250)},
		{"sources.writes", "many sources at rest: writes of a source a minute", "", 2, "", nil},
	}
}

// storedRows are of tasks that are in the cluster already, when the operator begins.
func storedRows() []row {
	return []row{
		{"stored.tasks", "tasks there already, of 50 sources", "tasks", 0, "", nil},
		{"stored.first.seconds", "tasks there: all sources Ready, from the operator's start", "s", 1, "", nil},
		{"stored.first.writes", "tasks there: writes of tasks by these first syncs", "", 0, "0", exactly(0)},
		{"stored.first.peak", "tasks there: first syncs: peak memory", "MiB", 0, goalMemory, memoryGoal},
		{"stored.rest.cores", "tasks there: operator at rest", "cores", 4, "below 0.01", atMost(0.01)},
		{"stored.rest.late", "tasks there: latest poll, in % of the interval", "%", 1, "at most 10", atMost(10)},
		{"stored.rest.memory", "tasks there: memory at rest", "MiB", 0, goalMemory, memoryGoal},
		{"stored.change.samples", "tasks there: changes that all sources see", "", 0, "", nil},
		{"stored.change.beyond", "tasks there: change to watch, 99th percentile, past the interval", "s", 2, "at most 0.1", atMost(0.1)},
		{"stored.restart.seconds", "tasks there: restart: all sources polled after", "s", 1, "", nil},
		{"stored.restart.ratio", "tasks there: restart, to a list of each source and one poll", "ratio", 2, "", nil},
		{"stored.restart.peak", "tasks there: restart: peak memory", "MiB", 0, goalMemory, memoryGoal},
		{"stored.server.peak", "tasks there: peak memory of the API server", "MiB", 0, "", nil},
	}
}

func peerRows() []row {
	return []row{
		{"informer.tasks", "peer: informer's cache, 16 workers, digest in an annotation, server-side apply", "tasks", 0, "", nil},
		{"informer.first.rate", "informer's cache: first mirror", "tasks/s", 0, "", nil},
		{"informer.first.cpu", "informer's cache, with Studio: first mirror", perCPU, 2, "", nil},
		{"informer.first.server", "informer's cache: first mirror: API server and etcd", perCPU, 2, "", nil},
		{"informer.change.rate", "informer's cache: changes", "tasks/s", 0, "", nil},
		{"informer.change.cpu", "informer's cache, with Studio: changes", perCPU, 2, "", nil},
		{"informer.change.server", "informer's cache: changes: API server and etcd", perCPU, 2, "", nil},
		{"informer.unchanged.rate", "informer's cache: unchanged", "tasks/s", 0, "", nil},
		{"informer.unchanged.cpu", "informer's cache, with Studio: unchanged", perCPU, 2, "", nil},
		{"reconciler.tasks", "peer: textbook reconciler, one worker", "tasks", 0, "", nil},
		{"reconciler.first.rate", "textbook reconciler: first mirror", "tasks/s", 0, "", nil},
		{"reconciler.change.rate", "textbook reconciler: changes", "tasks/s", 0, "", nil},
		{"reconciler.unchanged.rate", "textbook reconciler: unchanged", "tasks/s", 0, "", nil},
		{"reconciler.unchanged.cpu", "textbook reconciler, with Studio: unchanged", perCPU, 2, "", nil},
		{"shell.tasks", "peer: shell loop of curl, jq and kubectl apply", "tasks", 0, "", nil},
		{"shell.first.rate", "shell loop: first mirror", "tasks/s", 1, "", nil},
		{"shell.change.rate", "shell loop: changes", "tasks/s", 1, "", nil},
		{"shell.unchanged.rate", "shell loop: unchanged", "tasks/s", 1, "", nil},
	}
}
