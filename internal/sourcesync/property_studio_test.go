// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// maxDeletions of tasks in one account: more at once wait for a confirmation, as another test proves.
const maxDeletions = 20

// ignoreFilters answers everything where changes are asked for.
func ignoreFilters() livepeertest.Fault {
	return livepeertest.Fault{Query: func(q url.Values) { q.Del("filters") }}
}

// request says what goes wrong with a request. Before it, tasks change.
func (a *account) request(r *http.Request) livepeertest.Fault {
	a.dice.Lock()
	defer a.dice.Unlock()
	fault := a.kind
	fault.Query = a.query
	if a.quiet.Load() {
		return fault
	}
	a.tick(time.Duration(a.random.IntN(300)) * time.Millisecond)
	if a.random.IntN(2) == 0 {
		for range a.random.IntN(6) {
			a.change()
		}
	}
	if livepeertest.IsList(r) && a.random.IntN(10) == 0 {
		fault.From = a.lagging
	}
	if a.random.IntN(8) == 0 {
		a.lagging = a.studio.Snapshot()
	}
	switch a.random.IntN(60) {
	case 0:
		return livepeertest.HTML(http.StatusBadGateway)
	case 1:
		return livepeertest.RateLimited(strconv.Itoa(a.random.IntN(20)))
	case 2:
		return livepeertest.Replace(http.StatusInternalServerError, "application/json", `{"message":"boom"}`)
	case 3:
		fault.Edit = halved(fault.Edit, a.random.Float64())
	case 4:
		fault.Cut, fault.CutAfter = true, a.random.IntN(2000)
	}
	return fault
}

// query is what a server of this kind takes the query to be.
func (a *account) query(q url.Values) {
	if a.page > 0 {
		q.Set("limit", strconv.Itoa(a.page))
	}
	if a.kind.Query != nil {
		a.kind.Query(q)
	}
}

// halved lets the body of an answer break off.
func halved(edit func(*http.Request, *livepeertest.Answer), part float64) func(*http.Request, *livepeertest.Answer) {
	return func(r *http.Request, answer *livepeertest.Answer) {
		if edit != nil {
			edit(r, answer)
		}
		answer.Body = answer.Body[:int(part*float64(len(answer.Body)))]
	}
}

// change is something that happens to the account.
func (a *account) change() {
	ids := a.studio.IDs()
	if len(ids) == 0 || a.random.IntN(5) == 0 {
		a.create()
		return
	}
	id := ids[a.random.IntN(len(ids))]
	if a.random.IntN(8) > 0 {
		a.studio.Update(id, func(task livepeertest.Task) { task["status"] = a.status() })
		return
	}
	if a.keeps || a.deletions() >= maxDeletions {
		return
	}
	a.deleted.Store(id, true)
	if a.random.IntN(2) == 0 {
		a.studio.Delete(id)
	} else {
		a.studio.Purge(id)
	}
}

// create makes a task. Some IDs are no names, and some differ from others in case only.
func (a *account) create() {
	a.made++
	id := fmt.Sprintf("%08x-%d", a.random.Uint32(), a.made)
	switch a.random.IntN(10) {
	case 4, 5:
		id = fmt.Sprintf("%08x-0000-4000-8000-%012x", a.random.Uint32(), a.made)
	case 6:
		id = strings.ToUpper(fmt.Sprintf("%08x-0000-4000-8000-%012x", a.random.Uint32(), a.made))
	case 0:
		id = strings.ToUpper(id)
	case 1:
		id = "no name / " + id
	case 2:
		if ids := a.studio.IDs(); len(ids) > 0 && a.people.meetTwins() {
			id = strings.ToUpper(ids[a.random.IntN(len(ids))])
		}
	}
	if _, taken := a.studio.Get(id); taken {
		return
	}
	a.studio.Put(livepeertest.Task{
		"id": id, "type": []string{"upload", "upload", "clip", "export", "new-type"}[a.random.IntN(5)],
		"createdAt": a.now().UnixMilli(), "status": a.status(),
		"params": map[string]any{"upload": map[string]any{"url": fmt.Sprint("https://example.com/", a.made)}},
	})
}

// inScope reports whether tasks of this type are mirrored. Types never change in Studio.
func (a *account) inScope(id string) bool {
	task, ok := a.studio.Get(id)
	kind, _ := task["type"].(string)
	return ok && (len(a.api.Source.Spec.Types) == 0 || slices.Contains(a.api.Source.Spec.Types, kind))
}

// status is what a task has come to now.
func (a *account) status() map[string]any {
	phases := []string{"pending", "waiting", "running", "running", "completed", "completed", "failed", "cancelled"}
	return map[string]any{
		"phase": phases[a.random.IntN(len(phases))], "progress": a.random.Float64(), "updatedAt": a.now().UnixMilli(),
	}
}

// observe is what the operator should make of a task in Studio.
func (a *account) observe(id string) *mirror.Observation {
	a.t.Helper()
	task, _ := a.studio.Get(id)
	raw, err := json.Marshal(task)
	if err != nil {
		a.fatalf("%v", err)
	}
	observation, err := mirror.Convert(raw, nil)
	if err != nil {
		a.fatalf("%v", err)
	}
	return observation
}
