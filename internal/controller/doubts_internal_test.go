// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// failingAPI may fail before a status is stored.
type failingAPI struct {
	*memoryAPI

	failing bool
}

func (a *failingAPI) Status() client.SubResourceWriter {
	return &failingStatus{SubResourceWriter: a.memoryAPI.Status(), api: a}
}

type failingStatus struct {
	client.SubResourceWriter
	api *failingAPI
}

func (s *failingStatus) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	if s.api.failing {
		return apierrors.NewServiceUnavailable("not now")
	}
	return s.SubResourceWriter.Update(ctx, obj, opts...)
}

// TestLostAnswers: a write whose answer is lost is told of once it is seen to have been carried out, however that is seen,
// and not where it was not.
func TestLostAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		stored bool // it was carried out
		seen   bool // and the watch has shown that
		next   string
		want   []string
	}{
		"carried out, planned again":                 {stored: true, next: "running", want: []string{"running"}},
		"carried out and seen, planned again":        {stored: true, seen: true, next: "running", want: []string{"running"}},
		"carried out, and changed since":             {stored: true, next: "completed", want: []string{"running", "completed"}},
		"carried out and seen, and changed since":    {stored: true, seen: true, next: "completed", want: []string{"running", "completed"}},
		"not carried out, planned again":             {next: "running", want: []string{"running"}},
		"not carried out, and has changed meanwhile": {next: "completed", want: []string{"completed"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := &failingAPI{memoryAPI: &memoryAPI{
				tasks: map[string]*v1alpha1.LivepeerTask{}, version: 100, writing: func(_, _ *v1alpha1.LivepeerTask) {},
			}}
			index := newTaskIndex()
			w := newWriter(a, a, index)
			var told []string
			w.wrote = func(_ *mirror.Scope, _ *mirror.Action, task *v1alpha1.LivepeerTask) {
				told = append(told, task.Status.Phase)
			}
			scope := mirror.Scope{Namespace: "media", Source: "main", SourceUID: "uid-of-main"}
			write := func(phase string, at int64) error {
				observed := seen("a", phase, at)
				observed.Spec.ID = "a"
				plan := w.plan(scope, []*mirror.Observation{observed}, index.lookup("media"))
				_, err := w.apply(t.Context(), scope, plan.Actions)
				return err
			}
			if err := write("waiting", 1000); err != nil {
				t.Fatal(err)
			}
			told, a.failing, a.lose = nil, !c.stored, 1
			if err := write("running", 2000); err == nil {
				t.Fatal("the answer is not lost")
			}
			a.failing, a.lose = false, 0
			if c.seen {
				a.echo(index, -1)
			}
			for range 2 {
				if err := write(c.next, 2000+int64(len(c.next)-len("running"))); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(told, c.want) {
				t.Errorf("told of %v instead of %v", told, c.want)
			}
		})
	}
}

// TestOldDoubtsMakeRoom: those of tasks that nobody will see again do not keep out a new one, and a deletion ends a doubt.
func TestOldDoubtsMakeRoom(t *testing.T) {
	var all doubts
	written := func(n int) *mirror.Action {
		task := &v1alpha1.LivepeerTask{}
		task.Name = fmt.Sprint("task-", n)
		return &mirror.Action{Desired: task}
	}
	for n := range maxDoubts + 1 {
		all.note(&mirror.Scope{}, written(n), errors.New("no answer"))
	}
	last := mirror.EntryOf(written(maxDoubts).Desired)
	if _, ok := all.take(&last); !ok || len(all.pending) != maxDoubts-1 {
		t.Errorf("the last one is known: %v, of %d", ok, len(all.pending))
	}
	all.note(&mirror.Scope{}, written(maxDoubts), errors.New("no answer"))
	all.forget(&last)
	if _, ok := all.take(&last); ok {
		t.Error("a task that was deleted is in doubt")
	}
}
