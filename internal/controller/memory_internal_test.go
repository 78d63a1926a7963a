// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reconciler returns a new process' reconciler, which knows what is stored.
func reconcilerOf(a *kubetest.API, now func() time.Time) *SourceReconciler {
	index, secrets := taskstore.NewIndex(), newSecretStore(a, nil)
	for _, task := range a.Tasks {
		index.See(task)
	}
	return &SourceReconciler{
		client: a, secrets: secrets, index: index, writer: taskstore.NewWriter(a, a, index),
		sessions: &sessions{secrets: secrets, open: map[types.NamespacedName]*session{}}, now: now,
		states: map[types.NamespacedName]*progress{}, indexed: func() bool { return true },
	}
}

// echo shows the index up to n changes that it has not seen yet, oldest first, as the cache does; all if n is negative.
func echo(a *kubetest.API, index *taskstore.Index, n int) {
	a.TakeEchoes(n, func(before, after *v1alpha1.LivepeerTask) {
		switch {
		case after == nil:
			index.Deleted(client.ObjectKeyFromObject(before), before.UID)
		case before == nil:
			index.See(after)
		default:
			index.Observe(after)
		}
	})
}
