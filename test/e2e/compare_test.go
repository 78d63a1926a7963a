// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
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
	for last := ""; ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/task?limit=1000&order=id-false&cursor="+url.QueryEscape(last), http.NoBody)
		if err != nil {
			return nil, err
		}
		if last == "" {
			req.URL.RawQuery = "limit=1000&order=id-false"
		}
		req.Header.Set("Authorization", "Bearer "+a.key)
		page, err := a.page(req)
		if err != nil || len(page) == 0 {
			return tasks, err
		}
		for _, task := range page {
			tasks[task.ID], last = task.Status.UpdatedAt, task.ID
		}
	}
}

type listedTask struct {
	ID     string
	Status struct{ UpdatedAt int64 }
}

func (a *account) page(req *http.Request) (page []listedTask, err error) {
	res, err := a.studio.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the Studio answers %s", res.Status)
	}
	err = json.NewDecoder(res.Body).Decode(&page)
	return page, err
}

// difference says in what the mirror differs from what Studio lists: a task that is missing, behind, doubled or too many.
func (a *account) difference(ctx context.Context) (string, error) {
	before, err := a.listed(ctx)
	if err != nil {
		return "", err
	}
	mirrored, err := a.tasks(ctx)
	if err != nil {
		return "", err
	}
	after, err := a.listed(ctx)
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
		if _, known := after[id]; !known {
			return id + " is gone from Studio and still mirrored", nil
		}
	}
	for id, at := range before {
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
	a.g.Eventually(a.difference).WithArguments(a.t.Context()).Should(BeEmpty())
	has, err := a.listed(a.t.Context())
	a.g.Expect(err).NotTo(HaveOccurred())
	l.mu.Lock()
	defer l.mu.Unlock()
	a.g.Expect(l.ended).To(BeFalse(), "the watch ended: it has not seen all")
	a.g.Expect(l.doubled).To(BeEmpty())
	wrong := slices.DeleteFunc(slices.Clone(l.deleted), func(id string) bool { _, there := has[id]; return !there })
	a.g.Expect(wrong).To(BeEmpty(), "deleted here, and Studio has them")
}
