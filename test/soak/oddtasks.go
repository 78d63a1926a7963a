// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"strings"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// oddPrefix begins the IDs of tasks that are there from the beginning to the end.
const oddPrefix = "Odd"

// sharedName begins the names of those whose IDs meet in lower case.
const sharedName = "odd-case"

// oddTasks are tasks that a careless mirror would stumble over.
func oddTasks(now time.Time) []livepeertest.Task {
	ms := now.UnixMilli()
	task := func(id string, more map[string]any) livepeertest.Task {
		t := livepeertest.Task{
			"id": id, "type": "upload", "createdAt": ms, "status": map[string]any{"phase": "running", "updatedAt": ms, "progress": 0.29},
		}
		maps.Copy(t, more)
		return t
	}
	content := map[string]any{"notes": strings.Repeat("All work and no play. ", 100_000)} // about 2 MB
	return []livepeertest.Task{
		// IDs that meet in lower case, and IDs that are no names.
		task(oddPrefix+"-case", nil), task(oddPrefix+"-CASE", nil), task(oddPrefix+"-Case", nil),
		task(oddPrefix+" /with ../ every thing?&#%20", nil), task(oddPrefix+"-ünï-🎬", nil),
		task(oddPrefix+strings.Repeat("-long", 180), nil), task(oddPrefix+"-trailing-.", nil),
		// Fields that are not what they should be.
		task(oddPrefix+"-type", map[string]any{"type": 7}),
		task(oddPrefix+"-new-type", map[string]any{"type": "a type/that is new", "params": map[string]any{"new": true}}),
		task(oddPrefix+"-no-status", map[string]any{"status": "done"}),
		task(oddPrefix+"-null", map[string]any{"params": nil, "output": nil, "inputAssetId": nil}),
		task(oddPrefix+"-shapes", map[string]any{"params": map[string]any{"upload": []any{1, 2}}, "output": "none", "createdAt": "today"}),
		task(oddPrefix+"-phase", map[string]any{"status": map[string]any{"phase": "dreaming", "updatedAt": ms, "progress": "half"}}),
		task(oddPrefix+"-large", map[string]any{
			"type": "export-data", "params": map[string]any{"exportData": map[string]any{"content": content}},
		}),
	}
}
