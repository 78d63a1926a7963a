// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"io"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Watch is what one or more selections hold, kept up to date. It survives watches that break, and lists anew where it has to.
type Watch[T any] struct {
	// Changed receives after each change, and once when all is known. What is not received in time is one.
	Changed <-chan struct{}

	mu    sync.Mutex
	known map[string]*T // by namespace and name
	ready int
	want  int
}

// Items returns what is known, in no order. It is nothing until every selection was listed.
func (w *Watch[T]) Items() (items []T, synced bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready < w.want {
		return nil, false
	}
	for _, item := range w.known {
		items = append(items, *item)
	}
	return items, true
}

// WatchTasks follows the tasks that any of the field selectors finds, and keeps of each what slim leaves. broken is told why a watch broke;
// it goes on by itself.
func (c *Client) WatchTasks(
	ctx context.Context, selectors []string, labels string, slim func(*v1alpha1.LivepeerTask), broken func(error),
) *Watch[v1alpha1.LivepeerTask] {
	which := c.narrowed(ctx, selectors, labels)
	return follow(ctx, c, tasks, &v1alpha1.LivepeerTask{}, which, func(obj any) (any, error) {
		if task, ok := obj.(*v1alpha1.LivepeerTask); ok {
			task.ManagedFields = nil
			slim(task)
		}
		return obj, nil
	}, broken)
}

// WatchSource follows one source.
func (c *Client) WatchSource(ctx context.Context, name string, broken func(error)) *Watch[v1alpha1.LivepeerTaskSource] {
	same := func(obj any) (any, error) { return obj, nil }
	which := selection[v1alpha1.LivepeerTaskSource]{fields: []string{"metadata.name=" + name}}
	return follow(ctx, c, sources, &v1alpha1.LivepeerTaskSource{}, which, same, broken)
}

// selection is what any of the field selectors finds, less what is not kept here.
type selection[T any] struct {
	fields []string
	labels string
	keep   func(*T) bool // nil keeps all
}

func follow[T any](
	ctx context.Context, c *Client, resource string, kind runtime.Object, which selection[T], transform cache.TransformFunc,
	broken func(error),
) *Watch[T] {
	changed := make(chan struct{}, 1)
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	w := &Watch[T]{Changed: changed, known: map[string]*T{}, want: len(which.fields)}
	for _, selector := range which.fields {
		lw := cache.NewFilteredListWatchFromClient(c.rest, resource, c.Namespace, func(options *metav1.ListOptions) {
			options.FieldSelector, options.LabelSelector = selector, which.labels
		})
		informer := cache.NewSharedIndexInformer(lw, kind, 0, nil)
		// They fail only where the informer has been started.
		_ = informer.SetTransform(transform)
		_ = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
			if !isUsual(err) {
				broken(Explain(err))
			}
		})
		registration, _ := informer.AddEventHandler(w.handler(selector, which.keep, tell))
		go informer.RunWithContext(ctx)
		go func() {
			if cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
				w.mu.Lock()
				w.ready++
				w.mu.Unlock()
				tell()
			}
		}()
	}
	return w
}

// isUsual reports whether an error is how a watch ends from time to time.
func isUsual(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}

// handler keeps what one selection holds. An object may be in several: their keys are apart, and the newest is shown.
func (w *Watch[T]) handler(selector string, keep func(*T) bool, tell func()) cache.ResourceEventHandler {
	change := func(obj any, gone bool) {
		key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj)
		item, ok := obj.(*T)
		if err != nil || !ok && !gone {
			return
		}
		gone = gone || keep != nil && !keep(item)
		w.mu.Lock()
		if gone {
			delete(w.known, selector+" "+key)
		} else {
			w.known[selector+" "+key] = item
		}
		w.mu.Unlock()
		tell()
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { change(obj, false) },
		UpdateFunc: func(_, obj any) { change(obj, false) },
		DeleteFunc: func(obj any) { change(obj, true) },
	}
}
