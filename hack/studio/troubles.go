// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// troubles tells what the webhook answers where it changes, so that one that leads nowhere is noticed, and no line is
// repeated for each event.
type troubles struct {
	studio *livepeertest.Server
	last   string
}

func (t *troubles) tell(out io.Writer, now time.Time) {
	deliveries := t.studio.Deliveries()
	if len(deliveries) == 0 {
		return
	}
	d := deliveries[len(deliveries)-1]
	answer := strconv.Itoa(d.Status) + " " + http.StatusText(d.Status)
	if d.Err != nil {
		answer = d.Err.Error()
	}
	if answer != t.last {
		fmt.Fprintf(out, "%s webhook: %s\n", now.Format(time.TimeOnly), answer)
		t.last = answer
	}
}
