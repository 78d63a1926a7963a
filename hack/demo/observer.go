// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// observer watches the mirrored tasks as any other program in a cluster would, and keeps a tally. It also tells where the
// operator receives webhooks, once the source says so.
type observer struct {
	tally  *tally
	pushes *pushes
	cancel context.CancelFunc
	ended  chan struct{}
}

func startObserver(ctx context.Context, config *rest.Config, receives func(path string)) (*observer, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	informers, err := cache.New(config, cache.Options{
		Scheme:            scheme,
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
	})
	if err != nil {
		return nil, fmt.Errorf("watch the tasks: %w", err)
	}

	// It also sees what the operator does while it stops: ctx ends only the start.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o := &observer{tally: newTally(), pushes: &pushes{}, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(o.ended)
		_ = informers.Start(own) // it returns only once own has ended
	}()
	err = follow(ctx, informers, &v1alpha1.LivepeerTask{}, o.handler())
	if err == nil {
		err = follow(ctx, informers, &v1alpha1.LivepeerTaskSource{}, receiverHandler(receives))
	}
	if err != nil {
		o.stop()
		return nil, fmt.Errorf("watch the tasks: %w", err)
	}
	return o, nil
}

func follow(ctx context.Context, informers cache.Cache, kind client.Object, handler toolscache.ResourceEventHandler) error {
	informer, err := informers.GetInformer(ctx, kind)
	if err == nil {
		_, err = informer.AddEventHandler(handler)
	}
	return err
}

func (o *observer) handler() toolscache.ResourceEventHandler {
	see := func(object any) {
		if task, ok := object.(*v1alpha1.LivepeerTask); ok {
			o.tally.see(task.Name, phase(task))
			o.pushes.see(task, time.Now())
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    see,
		UpdateFunc: func(_, object any) { see(object) },
		DeleteFunc: func(object any) {
			if name, err := toolscache.DeletionHandlingObjectToName(object); err == nil {
				o.tally.gone(name.Name)
			}
		},
	}
}

// phase is empty only until the task's status is there: not every task of the API has a phase.
func phase(task *v1alpha1.LivepeerTask) string {
	if task.Status.Phase == "" && len(task.Status.Conditions) > 0 {
		return "without phase"
	}
	return task.Status.Phase
}

func (o *observer) stop() {
	o.cancel()
	<-o.ended
}
