// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// page is a part of a list of tasks, as the API server answered it.
type page struct {
	answer *bytes.Buffer
	items  []byte // within the answer
	list   metav1.ListMeta
}

// list answers all tasks in their compact form. While a page is made compact, the next one is read.
func (f *feed) list(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
	const buffers = 2
	pages, free := make(chan page), make(chan *bytes.Buffer, buffers)
	for range buffers {
		free <- &bytes.Buffer{}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(pages)
		return f.pages(ctx, pages, free)
	})
	compact := &listedTasks{}
	group.Go(func() error {
		for page := range pages {
			compact.ListMeta = metav1.ListMeta{ResourceVersion: page.list.ResourceVersion}
			err := mirror.ReadEntries(page.items, func(entry *mirror.Entry) {
				compact.Items = append(compact.Items, listedTask{task: storedOf(entry)})
			})
			if err != nil {
				return err
			}
			free <- page.answer
		}
		return nil
	})
	return compact, f.answered(group.Wait())
}

// pages reads all pages. Of no version in particular: others are answered from the API server's memory as a whole,
// whatever the limit.
func (f *feed) pages(ctx context.Context, pages chan<- page, free <-chan *bytes.Buffer) error {
	for next := ""; ; {
		var page page
		select {
		case page.answer = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := f.page(ctx, next, page.answer)
		if err != nil {
			return err
		}
		if page.items, page.list, err = mirror.SplitList(page.answer.Bytes()); err != nil {
			return err
		}
		select {
		case pages <- page:
		case <-ctx.Done():
			return ctx.Err()
		}
		if next = page.list.Continue; next == "" {
			return nil
		}
	}
}

// page reads the page that continues the one before, or the first. Its JSON is read as it is, by mirror.ReadEntries:
// decoding it would take ten times as long.
func (f *feed) page(ctx context.Context, next string, answer *bytes.Buffer) error {
	request := f.tasks.Get().NamespaceIfScoped(f.namespace, f.namespace != "").Resource("livepeertasks").
		SetHeader("Accept", "application/json").Param("limit", strconv.Itoa(feedPage))
	if next != "" {
		request = request.Param("continue", next)
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // It was read to its end, or is given up.
	answer.Reset()
	if _, err := answer.ReadFrom(body); err != nil {
		return fmt.Errorf("list of LivepeerTasks: %w", err)
	}
	return nil
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

	task *storedTask
}

// DeepCopyObject copies the task, for runtime.Object.
func (t *listedTask) DeepCopyObject() runtime.Object {
	return &listedTask{TypeMeta: t.TypeMeta, task: t.task}
}
