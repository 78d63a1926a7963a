// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// settledFor is how long ago the newest task was updated: nothing is new in an account at rest.
const settledFor = 15 * time.Minute

// accountAge is that of the oldest task: a second for each of the most that are measured, and some.
const accountAge = 200_000 * time.Second

// account is a simulated Studio whose tasks are like the example of the API's reference page.
type account struct {
	studio  *testbed.Studio
	example livepeertest.Task
	status  map[string]any // of the example
	ids     []string
	began   time.Time
	bytes   int // of all tasks
}

// openAccount makes n tasks. The caller closes it.
func openAccount(n int) (*account, error) {
	a := &account{began: time.Now()}
	server := livepeertest.NewServer()
	root, err := controlplane.RepoRoot()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(root, "internal", "studio", "livepeertest", "testdata", "reference.json")
	reference, err := os.ReadFile(path) //nolint:gosec // of the repository
	if err != nil {
		return nil, err
	}
	var list []livepeertest.Task
	if err := json.Unmarshal(reference, &list); err != nil {
		return nil, err
	}
	a.example = list[0]
	a.status, _ = a.example["status"].(map[string]any)
	random := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		a.ids = append(a.ids, newID(random))
		raw, err := a.raw(i)
		if err != nil {
			return nil, err
		}
		a.bytes += len(raw)
		if err := server.PutRaw(raw); err != nil {
			return nil, err
		}
	}
	a.studio = testbed.StartStudio(server, nil)
	return a, nil
}

func (a *account) close() { a.studio.Stop() }

func (a *account) url() string { return a.studio.URL }

func newID(random *rand.Rand) string {
	x, y := random.Uint64(), random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", x>>32, x>>16&0xffff, x&0xfff, y>>52, y&0xffffffffffff)
}

// raw is a task as it is at the start: completed, as most of an account are. Each is a second younger than the one before.
func (a *account) raw(i int) ([]byte, error) {
	updated := a.began.Add(-settledFor - accountAge + time.Duration(i)*time.Second)
	return json.Marshal(a.task(a.ids[i], "completed", updated))
}

func (a *account) task(id, phase string, updated time.Time) livepeertest.Task {
	task := maps.Clone(a.example)
	task["id"], task["projectId"] = id, livepeertest.ProjectID
	task["createdAt"] = updated.Add(-time.Minute).UnixMilli()
	task["scheduledAt"] = updated.Add(-time.Minute).UnixMilli()
	status := maps.Clone(a.status)
	status["phase"], status["updatedAt"] = phase, updated.UnixMilli()
	task["status"] = status
	return task
}

// changed is a task after it began to run again.
func (a *account) changed(i int, at time.Time) livepeertest.Task {
	return a.task(a.ids[i], "running", at)
}

// change changes the first n tasks, all at one moment.
func (a *account) change(n int) {
	tasks := make([]livepeertest.Task, n)
	for i := range n {
		tasks[i] = a.changed(i, time.Now())
	}
	a.studio.Server.Put(tasks...)
}

// traffic adds up the requests that the account has had.
func (a *account) traffic() (requests, bytes int) {
	for _, request := range a.studio.Server.Requests() {
		requests++
		bytes += request.Bytes
	}
	return requests, bytes
}

// read returns how many tasks the answers of that many bytes held.
func (a *account) read(bytes int) float64 {
	return float64(bytes) / (float64(a.bytes) / float64(len(a.ids)))
}

// poll asks for what is new, as cheaply as can be, and returns how long that took.
func (a *account) poll(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	url := fmt.Sprintf(`%s/task?limit=1000&filters=[{"id":"updatedAt","value":{"gte":%d}}]`, a.url(), began.UnixMilli())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+livepeertest.APIKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	_, err = io.Copy(io.Discard, response.Body)
	return time.Since(began), err
}
