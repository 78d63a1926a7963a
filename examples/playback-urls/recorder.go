// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const (
	name           = "playback-urls" // of the controller, its field manager, and what its ConfigMaps begin with
	labelManagedBy = "app.kubernetes.io/managed-by"
)

// recorder keeps the ConfigMaps. It never reacts to what happened, only to what is: each time it computes the whole of
// one ConfigMap from the tasks that there are. So nothing is lost or done twice, whatever was missed while it was down.
type recorder struct {
	client   client.Client // reads come from the cache
	maxBytes int           // of the keys and values of one ConfigMap
}

// setUp watches tasks, and the ConfigMaps too: they bring sources to mind whose last task went while nobody watched, and
// undo other people's edits.
func (r *recorder) setUp(mgr ctrl.Manager) error {
	toSource := handler.EnqueueRequestsFromMapFunc(sourceOf)
	return ctrl.NewControllerManagedBy(mgr).
		Named(name).
		Watches(&v1alpha1.LivepeerTask{}, toSource).
		Watches(&corev1.ConfigMap{}, toSource).
		Complete(r)
}

// sourceOf asks for the source's ConfigMap. The queue holds a source once, so that 1,000 tasks make one write, not 1,000.
func sourceOf(_ context.Context, object client.Object) []reconcile.Request {
	source := object.GetLabels()[v1alpha1.LabelSource]
	if source == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: source}}}
}

// Reconcile brings the ConfigMap of the source that the request names up to date. An error is tried again, later and later.
func (r *recorder) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	tasks := &v1alpha1.LivepeerTaskList{}
	err := r.client.List(ctx, tasks, client.InNamespace(request.Namespace), client.MatchingLabels{v1alpha1.LabelSource: request.Name})
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("list tasks: %w", err)
	}
	urls, omitted := playbackURLs(tasks.Items, r.maxBytes)

	key := client.ObjectKey{Namespace: request.Namespace, Name: nameOf(request.Name)}
	recorded := &corev1.ConfigMap{}
	if err := r.client.Get(ctx, key, recorded); client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("get ConfigMap: %w", err)
	}
	if maps.Equal(recorded.Data, urls) {
		return reconcile.Result{}, nil
	}

	// Applied server side: no read to be outdated, so no conflict. Keys that we applied before and no longer name go, and
	// keys of others stay.
	configMap := configMapOf(request.Namespace, request.Name, urls)
	if err := r.client.Apply(ctx, configMap, client.FieldOwner(name), client.ForceOwnership); err != nil {
		return reconcile.Result{}, fmt.Errorf("apply ConfigMap: %w", err)
	}
	log.FromContext(ctx).Info("Recorded playback URLs", "recorded", len(urls), "omitted", omitted)
	return reconcile.Result{}, nil
}

func nameOf(source string) string { return name + "-" + source }

func configMapOf(namespace, source string, urls map[string]string) *applycorev1.ConfigMapApplyConfiguration {
	return applycorev1.ConfigMap(nameOf(source), namespace).
		WithLabels(map[string]string{labelManagedBy: name, v1alpha1.LabelSource: source}).
		WithData(urls)
}

// playbackURLs returns the playback URLs of the completed uploads by the tasks' names, which are valid keys of a
// ConfigMap. Where they exceed maxBytes, the tasks that changed last are kept; omitted counts the others.
func playbackURLs(tasks []v1alpha1.LivepeerTask, maxBytes int) (urls map[string]string, omitted int) {
	urls = map[string]string{}
	slices.SortFunc(tasks, newestFirst)
	size := 0
	for i := range tasks {
		task := &tasks[i]
		url := task.PlaybackURL()
		if !task.Succeeded() || url == "" {
			continue
		}
		if size += len(task.Name) + len(url); size > maxBytes {
			omitted++
			continue
		}
		urls[task.Name] = url
	}
	return urls, omitted
}

// newestFirst orders tasks by when they changed in Studio.
func newestFirst(a, b v1alpha1.LivepeerTask) int {
	return cmp.Or(updatedAt(b).Compare(updatedAt(a)), cmp.Compare(a.Name, b.Name))
}

// updatedAt is the zero time where the task does not tell.
func updatedAt(task v1alpha1.LivepeerTask) time.Time {
	if task.Status.UpdatedAt == nil {
		return time.Time{}
	}
	return task.Status.UpdatedAt.Time
}
