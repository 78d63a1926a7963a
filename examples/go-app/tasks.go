// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// follow calls added with each task that is in the selection or comes into it, and changed with each that changes in it. It
// goes on after errors and lost connections, until ctx ends.
func follow(ctx context.Context, namespace, field, value string, added, changed func(*v1alpha1.LivepeerTask)) error {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	tasks, err := cache.New(config, cache.Options{
		Scheme:            scheme,
		DefaultNamespaces: map[string]cache.Config{namespace: {FieldSelector: fields.OneTermEqualSelector(field, value)}},
	})
	if err != nil {
		return err
	}
	informer, err := tasks.GetInformer(ctx, &v1alpha1.LivepeerTask{})
	if err != nil {
		return err
	}
	call := func(handle func(*v1alpha1.LivepeerTask), object any) {
		if task, ok := object.(*v1alpha1.LivepeerTask); ok {
			handle(task)
		}
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { call(added, object) },
		UpdateFunc: func(_, object any) { call(changed, object) },
	}); err != nil {
		return err
	}
	return tasks.Start(ctx)
}

func failures(ctx context.Context, namespace string, to io.Writer) error {
	added := func(task *v1alpha1.LivepeerTask) {
		_, _ = fmt.Fprintf(to, "%s (%s): %s\n", task.Spec.ID, task.Spec.Type, task.Status.ErrorMessage)
	}
	return follow(ctx, namespace, "status.phase", v1alpha1.PhaseFailed, added, func(*v1alpha1.LivepeerTask) {})
}

func completions(ctx context.Context, namespace string, to io.Writer) error {
	added := func(task *v1alpha1.LivepeerTask) {
		if url := task.PlaybackURL(); url != "" {
			_, _ = fmt.Fprintf(to, "%s: %s\n", cmp.Or(task.Status.DisplayName, task.Spec.ID), url)
		}
	}
	return follow(ctx, namespace, "status.phase", v1alpha1.PhaseCompleted, added, func(*v1alpha1.LivepeerTask) {})
}

func wait(ctx context.Context, namespace, assetID string, to io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var result error
	look := func(task *v1alpha1.LivepeerTask) {
		_, _ = fmt.Fprintf(to, "%s: %s\n", task.Spec.ID, task.Status.Phase)
		if task.IsFinished() {
			if !task.Succeeded() {
				result = fmt.Errorf("%s: %s %s", task.Spec.ID, task.Status.Phase, task.Status.ErrorMessage)
			}
			stop()
		}
	}
	if err := follow(ctx, namespace, "spec.outputAssetId", assetID, look, look); err != nil {
		return err
	}
	return result
}
