// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"k8s.io/apimachinery/pkg/types"
)

// reconciler returns a new process' reconciler, which knows what is stored.
func reconcilerOf(a *kubetest.API, now func() time.Time) *SourceReconciler {
	index, secrets := newTaskIndex(), newSecretStore(a, nil)
	for _, task := range a.Tasks {
		index.see(stored(task))
	}
	return &SourceReconciler{
		client: a, secrets: secrets, index: index, writer: newWriter(a, a, index),
		sessions: &sessions{secrets: secrets, open: map[types.NamespacedName]*session{}}, now: now,
		states: map[types.NamespacedName]*progress{}, indexed: func() bool { return true },
	}
}

// echo shows the index up to n changes that it has not seen yet, oldest first, as the cache does; all if n is negative.
func echo(a *kubetest.API, index *taskIndex, n int) {
	a.TakeEchoes(n, func(before, after *v1alpha1.LivepeerTask) {
		switch {
		case after == nil:
			forget(index, before)
		case before == nil:
			index.see(stored(after))
		default:
			index.observe(stored(after), true)
		}
	})
}
