// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// measureRestart ends the operator, lets one task change, and counts from the new start until the cluster shows that.
func measureRestart(ctx context.Context, r *runner, s *stage, a *account) error {
	list, err := s.list(ctx, namespace)
	if err != nil {
		return err
	}
	poll, err := a.poll(ctx)
	if err != nil {
		return err
	}
	s.operator.Stop()
	s.operator = nil
	last := len(a.ids) - 1
	updated := time.Now()
	a.studio.Server.Put(a.changed(last, updated))
	p, err := s.begin(ctx, a)
	if err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	r.result.add("restart.ready", time.Since(s.started).Seconds())
	if err := s.shows(ctx, a.ids[last], updated); err != nil {
		return err
	}
	follows := time.Since(s.started)
	if err := s.synced(ctx, r.tasks); err != nil {
		return err
	}
	c, err := p.end(ctx)
	if err != nil {
		return err
	}
	r.result.add("restart.follows", follows.Seconds())
	r.result.add("restart.bound", (list + poll).Seconds())
	r.result.add("restart.ratio", follows.Seconds()/(list+poll).Seconds())
	r.result.add("restart.writes", float64(c.writes-1))
	r.note("restart", &c, r.tasks)
	return nil
}

// list reads all tasks from the API server, as it gives them fastest.
func (s *stage) list(ctx context.Context, namespace string) (time.Duration, error) {
	began := time.Now()
	err := s.send(ctx, http.MethodGet, s.tasksPath(namespace)+"?resourceVersion=0", "", nil, nil)
	return time.Since(began), err
}

// shows waits until the cluster shows a task as it was updated then.
func (s *stage) shows(ctx context.Context, name string, updated time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		watch, err := s.bed.Admin.Watch(ctx, &v1alpha1.LivepeerTaskList{}, client.InNamespace(namespace),
			client.MatchingFields{"metadata.name": name})
		if err != nil {
			return fmt.Errorf("task %s: %w", name, err)
		}
		for event := range watch.ResultChan() {
			if task, ok := event.Object.(*v1alpha1.LivepeerTask); ok && shown(task) >= updated.UnixMilli() {
				watch.Stop()
				return nil
			}
		}
	}
}

func shown(task *v1alpha1.LivepeerTask) int64 {
	if task.Status.UpdatedAt == nil {
		return 0
	}
	return task.Status.UpdatedAt.UnixMilli()
}
