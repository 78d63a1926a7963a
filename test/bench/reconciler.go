// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// peerTasks bounds the tasks of a peer whose cost grows with their number only.
const peerTasks = 2000

// measureReconciler does the operator's job as a textbook has it: list, and for each task, one after the other,
// CreateOrUpdate and a status update, with controller-runtime's typed client.
func measureReconciler(ctx context.Context, r *runner) error {
	n := min(r.tasks, peerTasks)
	a, err := openAccount(n)
	if err != nil {
		return err
	}
	defer a.close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.warm(ctx, r); err != nil {
			return err
		}
		if err := s.bed.Plane.Apply(ctx, testbed.Namespace(namespace)); err != nil {
			return err
		}
		r.result.add("reconciler.tasks", float64(n))
		for _, pass := range []string{"first", "unchanged", "change"} {
			if pass == "change" {
				a.change(n)
			}
			before := ownCPU()
			began := time.Now()
			if err := s.reconcile(ctx, a); err != nil {
				return err
			}
			r.result.add("reconciler."+pass+".rate", float64(n)/time.Since(began).Seconds())
			r.result.add("reconciler."+pass+".cpu", perThousand((ownCPU()-before).Seconds(), n))
		}
		return nil
	})
}

// reconcile makes one pass over the account, page by page.
func (s *stage) reconcile(ctx context.Context, a *account) error {
	redactor := redact.New(livepeertest.APIKey)
	for skip := 0; skip < len(a.ids); skip += 1000 {
		tasks, err := a.page(ctx, skip)
		if err != nil {
			return err
		}
		for _, raw := range tasks {
			task, err := desired(raw, namespace, redactor)
			if err != nil {
				return err
			}
			if err := s.reconcileOne(ctx, task); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stage) reconcileOne(ctx context.Context, desired *v1alpha1.LivepeerTask) error {
	task := &v1alpha1.LivepeerTask{}
	task.Namespace, task.Name = desired.Namespace, desired.Name
	_, err := controllerutil.CreateOrUpdate(ctx, s.rival, task, func() error {
		task.Labels, task.OwnerReferences, task.Spec = desired.Labels, desired.OwnerReferences, desired.Spec
		return nil
	})
	if err != nil {
		return err
	}
	observed(&desired.Status)
	if equality.Semantic.DeepEqual(task.Status, desired.Status) {
		return nil
	}
	task.Status = desired.Status
	return s.rival.Status().Update(ctx, task, &client.SubResourceUpdateOptions{})
}

// page lists up to 1,000 tasks from the one at that offset on.
func (a *account) page(ctx context.Context, skip int) ([]json.RawMessage, error) {
	url := fmt.Sprintf("%s/task?limit=1000&cursor=skip%d", a.url(), skip)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+livepeertest.APIKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	var tasks []json.RawMessage
	err = json.NewDecoder(response.Body).Decode(&tasks)
	return tasks, err
}
