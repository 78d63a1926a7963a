// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// studioFault is a fault of Studio with its name.
type studioFault struct {
	name string
	livepeertest.Fault
}

// disturb makes a share of the requests to Studio go wrong.
func (s *studio) disturb(share float64) {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	s.share = share
}

// fault decides for one request.
func (s *studio) fault(r *http.Request) livepeertest.Fault {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	list := livepeertest.IsList(r)
	now := time.Now()
	lies := list && s.share > 0 && now.Before(s.lieUntil)
	if !lies && s.faultRand.Float64() >= s.share {
		return livepeertest.Fault{}
	}
	fault := chooseStudioFault(s.faultRand, list, s.lagging)
	switch {
	case lies:
		fault = s.lie
	case list && r.URL.Query().Get("filters") == "":
		// Deletions follow from lists of everything. What looks well and is not, for a while, is the hardest for them.
		s.lie, s.lieUntil = chooseLie(s.faultRand, s.lagging), now.Add(between(s.faultRand, time.Second, 4*time.Second))
		fault = s.lie
	}
	s.report.fault("Studio", fault.name)
	return fault.Fault
}

// chooseStudioFault picks what could go wrong with a request for a list or for one task. None of it says that a task is
// gone: nothing may be deleted for it.
func chooseStudioFault(r *rand.Rand, list bool, lagging *livepeertest.Snapshot) studioFault {
	choices := []studioFault{
		{"401", livepeertest.Replace(http.StatusUnauthorized, "application/json",
			`{"errors":["no token `+livepeertest.APIKey+` found"]}`)},
		{"403", livepeertest.Replace(http.StatusForbidden, "application/json", `{"errors":["user is suspended"]}`)},
		{"429", livepeertest.RateLimited("")},
		{"429 with Retry-After", livepeertest.RateLimited("2")},
		{"500", livepeertest.Replace(http.StatusInternalServerError, "application/json", `{"message":"error"}`)},
		{"502", livepeertest.HTML(http.StatusBadGateway)},
		{"web page", livepeertest.HTML(http.StatusOK)},
		{"truncated", livepeertest.Truncated()},
		{"reset", livepeertest.Fault{Cut: true, CutAfter: r.IntN(4000)}},
		{"slow", livepeertest.Fault{Delay: between(r, 100*time.Millisecond, 2*time.Second)}},
		{"hangs", livepeertest.Fault{Delay: time.Minute}},
		{"null", livepeertest.Says("null")},
		{"object", livepeertest.Says("{}")},
		{"nulls", livepeertest.Says("[null,null]")},
	}
	if list {
		choices = append(choices, chooseLie(r, lagging), chooseLie(r, lagging), chooseLie(r, lagging))
	}
	return choices[r.IntN(len(choices))]
}

// chooseLie picks an answer that looks like a complete list and is not.
func chooseLie(r *rand.Rand, lagging *livepeertest.Snapshot) studioFault {
	choices := []studioFault{
		{"empty list", livepeertest.Says("[]")},
		{"lagging replica", livepeertest.Fault{From: lagging}},
		{"short list", livepeertest.Fault{Edit: shorten}},
	}
	return choices[r.IntN(len(choices))]
}

// shorten leaves every twentieth task out of a list.
func shorten(_ *http.Request, a *livepeertest.Answer) {
	var tasks []json.RawMessage
	if a.Status != http.StatusOK || json.Unmarshal(a.Body, &tasks) != nil {
		return
	}
	kept := make([]json.RawMessage, 0, len(tasks))
	for i, task := range tasks {
		if i%20 != 10 {
			kept = append(kept, task)
		}
	}
	if body, err := json.Marshal(kept); err == nil {
		a.Body = body
		a.Header.Del("ETag")
	}
}
