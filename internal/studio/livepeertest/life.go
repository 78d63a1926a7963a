// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"strings"
	"time"
)

// The steps of a task's life as the service takes them. Each replaces the whole status, so that what does not belong to
// a phase goes (progress while waiting, for one), and moves its updatedAt, also within one millisecond.

func setStatus(t Task, now time.Time, status obj) {
	ms := now.UnixMilli()
	if before := milliseconds(object(t, "status")["updatedAt"]); before >= ms {
		ms = before + 1
	}
	status["updatedAt"] = ms
	t["status"] = status
}

func schedule(t Task, now time.Time) {
	t["scheduledAt"] = now.UnixMilli()
	setStatus(t, now, obj{"phase": "waiting"})
}

func run(t Task, now time.Time, progress float64) {
	if t["scheduledAt"] == nil {
		t["scheduledAt"] = now.UnixMilli()
	}
	retries := object(t, "status")["retries"]
	if retries == nil {
		retries = 0
	}
	setStatus(t, now, obj{"phase": "running", "retries": retries, "progress": progress})
}

// requeue sends a task back to wait for another attempt.
func requeue(t Task, now time.Time, retries int, errorMessage any) {
	status := obj{"phase": "waiting", "retries": retries}
	if errorMessage != nil {
		status["errorMessage"] = errorMessage
	}
	setStatus(t, now, status)
}

func fail(t Task, now time.Time, errorMessage string, retries int) {
	setStatus(t, now, obj{"phase": "failed", "errorMessage": errorMessage, "retries": retries})
}

func cancel(t Task, now time.Time) {
	setStatus(t, now, obj{"phase": "cancelled"})
}

func (m *maker) complete(t Task, now time.Time) {
	if t["scheduledAt"] == nil {
		t["scheduledAt"] = t["createdAt"]
	}
	t["output"] = m.output(t, now)
	maskUpload(t)
	setStatus(t, now, obj{"phase": "completed"})
}

// maskUpload is the one change of params that happens: the service masks what it knows to be secret once it needs it no
// more.
func maskUpload(t Task) {
	upload := object(object(t, "params"), "upload")
	address, _ := upload["url"].(string)
	if _, rest, ok := strings.Cut(address, "@"); ok && strings.HasPrefix(address, "s3+https://") {
		upload["url"] = "s3+https://***:***@" + rest
	}
}
