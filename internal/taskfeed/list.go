// SPDX-License-Identifier: Apache-2.0

package taskfeed

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// feedPage bounds the tasks of one page of a list. More pages cost more: for each, the API server looks at all tasks behind it. Larger
// ones might take longer than the minute that it has for an answer.
const feedPage = 5000

// list returns all tasks in their compact form. It sets no resourceVersion: with one, the API server may ignore the limit and
// return the whole list.
func (f *feed) list(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
	compact := &listedTasks{}
	for {
		list, err := f.page(ctx, compact.Continue, func(raw []byte) error {
			task, err := f.listed(raw, mirror.ReadEntry)
			if task != nil {
				compact.Items = append(compact.Items, listedTask{task: task})
			}
			return err
		})
		if f.answered(err) != nil {
			return nil, err
		}
		if compact.ListMeta = list; list.Continue == "" {
			return compact, nil
		}
	}
}

// listed makes one task of a list compact; nil after a panic, so that one task does not keep all others unread. The task's source will
// meet the fault and report it.
func (f *feed) listed(raw []byte, read func([]byte) (mirror.Entry, error)) (task *taskstore.StoredTask, err error) {
	err = condition.Contain(f.log, func() error {
		entry, err := read(raw)
		if err == nil {
			task = taskstore.StoredOf(&entry)
		}
		return err
	})
	if _, fault := errors.AsType[*condition.Fault](err); fault {
		return nil, nil
	}
	return task, err
}

// page reads the page after next, or the first one, task by task while it arrives. Decoding its JSON would take ten times as
// long.
func (f *feed) page(ctx context.Context, next string, visit func(raw []byte) error) (metav1.ListMeta, error) {
	request := f.tasks.Get().NamespaceIfScoped(f.namespace, f.namespace != "").Resource("livepeertasks").
		SetHeader("Accept", "application/json").Param("limit", strconv.Itoa(feedPage))
	if next != "" {
		request = request.Param("continue", next)
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return metav1.ListMeta{}, err
	}
	defer body.Close() //nolint:errcheck // It was read to its end, or is given up.
	list, err := mirror.ReadList(body, visit)
	if err != nil {
		return metav1.ListMeta{}, fmt.Errorf("list of LivepeerTasks: %w", err)
	}
	return list, nil
}

// listedTasks is a list of tasks in their compact form.
type listedTasks struct {
	metav1.TypeMeta
	metav1.ListMeta

	Items []listedTask
}

// DeepCopyObject copies the list, for runtime.Object.
func (l *listedTasks) DeepCopyObject() runtime.Object {
	return &listedTasks{TypeMeta: l.TypeMeta, ListMeta: l.ListMeta, Items: append([]listedTask(nil), l.Items...)}
}

// listedTask is a task in its compact form.
type listedTask struct {
	metav1.TypeMeta

	task *taskstore.StoredTask
}

// DeepCopyObject copies the task, for runtime.Object.
func (t *listedTask) DeepCopyObject() runtime.Object {
	return &listedTask{TypeMeta: t.TypeMeta, task: t.task}
}
