// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func inNamespace(name string) client.ListOption { return client.InNamespace(name) }

// listed returns when each task of Studio was last updated, by ID.
func (a *account) listed(ctx context.Context) (map[string]int64, error) {
	tasks := map[string]int64{}
	path := "/task?limit=1000&order=id-false"
	for cursor := ""; ; {
		var page []struct {
			ID     string
			Status struct{ UpdatedAt int64 }
		}
		status, err := a.ask(ctx, path+cursor, &page)
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("the Studio answers %d", status)
		}
		if len(page) == 0 {
			return tasks, nil
		}
		for _, task := range page {
			tasks[task.ID] = task.Status.UpdatedAt
			cursor = "&cursor=" + url.QueryEscape(task.ID)
		}
	}
}

// ask asks Studio for something, and reads it if into is not nil.
func (a *account) ask(ctx context.Context, path string, into any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	res, err := a.studio.Do(req)
	if err != nil {
		a.connect() // what is forwarded once may lead nowhere any more
		return 0, err
	}
	defer res.Body.Close()
	if into == nil || res.StatusCode != http.StatusOK {
		_, err := io.Copy(io.Discard, res.Body) // a connection that is broken off can end the forwarding
		return res.StatusCode, err
	}
	return res.StatusCode, json.NewDecoder(res.Body).Decode(into)
}

// caughtUp waits until the mirror has all that Studio lists now, as new or newer, each once, and nothing that Studio never
// had. (Tasks go on changing meanwhile, and one that is deleted is mirrored until the next full sync.)
func (a *account) caughtUp(within ...any) {
	a.t.Helper()
	has, err := a.listed(a.t.Context())
	a.g.Expect(err).NotTo(HaveOccurred())
	a.g.Eventually(a.difference, within...).WithArguments(a.t.Context(), has).Should(BeEmpty())
}

// difference says in what the mirror falls short of what Studio has.
func (a *account) difference(ctx context.Context, has map[string]int64) (string, error) {
	mirrored, err := a.tasks(ctx)
	if err != nil {
		return "", err
	}
	seen := map[string]int64{}
	for i := range mirrored {
		id := mirrored[i].Spec.ID
		if _, doubled := seen[id]; doubled {
			return id + " is doubled", nil
		}
		seen[id] = 0
		if at := mirrored[i].Status.UpdatedAt; at != nil {
			seen[id] = at.UnixMilli()
		}
		if _, known := has[id]; known {
			continue
		}
		if status, err := a.ask(ctx, "/task/"+id, nil); err != nil || status != http.StatusOK {
			return fmt.Sprintf("%s is mirrored, and Studio answers %d", id, status), err
		}
	}
	for id, at := range has {
		if mirroredAt, found := seen[id]; !found {
			return id + " is not mirrored", nil
		} else if mirroredAt < at {
			return fmt.Sprintf("%s is mirrored as of %d, and Studio has %d", id, mirroredAt, at), nil
		}
	}
	return "", nil
}

// ledger follows all that happens to the mirrored tasks.
type ledger struct {
	mu      sync.Mutex
	names   map[string]string // of the object by task ID
	deleted []string          // IDs
	doubled []string
	changes int
	ended   bool
}

// follow begins to watch the account's tasks.
func (a *account) follow() *ledger {
	a.t.Helper()
	w, err := a.client.Watch(a.t.Context(), &v1alpha1.LivepeerTaskList{}, inNamespace(a.namespace))
	a.g.Expect(err).NotTo(HaveOccurred())
	a.t.Cleanup(w.Stop)
	l := &ledger{names: map[string]string{}}
	go func() {
		for event := range w.ResultChan() {
			l.note(event)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.ended = true
	}()
	return l
}

func (l *ledger) note(event watch.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	task, ok := event.Object.(*v1alpha1.LivepeerTask)
	if !ok {
		return
	}
	id := task.Spec.ID
	switch event.Type {
	case watch.Added:
		if other, there := l.names[id]; there && other != task.Name {
			l.doubled = append(l.doubled, id)
		}
		l.names[id] = task.Name
	case watch.Modified:
		l.changes++
	case watch.Deleted:
		l.deleted = append(l.deleted, id)
		delete(l.names, id)
	}
}

// changesSoFar is how many changes were seen; tasks under way go on changing.
func (l *ledger) changesSoFar() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes
}

// nothingLostOrDoubled ends a disturbance: the mirror becomes what Studio has, and on the way there no task that Studio has
// was deleted, and none stood there twice.
func (a *account) nothingLostOrDoubled(l *ledger) {
	a.t.Helper()
	a.caughtUp()
	has, err := a.listed(a.t.Context())
	a.g.Expect(err).NotTo(HaveOccurred())
	l.mu.Lock()
	defer l.mu.Unlock()
	a.g.Expect(l.ended).To(BeFalse(), "the watch ended: it has not seen all")
	a.g.Expect(l.doubled).To(BeEmpty())
	wrong := slices.DeleteFunc(slices.Clone(l.deleted), func(id string) bool { _, there := has[id]; return !there })
	a.g.Expect(wrong).To(BeEmpty(), "deleted here, and Studio has them")
}
