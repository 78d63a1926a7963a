// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// late is an API server that is late with each answer.
type late struct{ client.Client }

func (late) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return apierrors.NewTimeoutError("late", 1)
}

// TestRestoreNamesTheAPIServer: an error of the API server is not Studio's.
func TestRestoreNamesTheAPIServer(t *testing.T) {
	scope := plan.Scope{Namespace: "media", Source: "main", SourceUID: "uid-of-main"}
	entry := mirror.EntryOf(kubetest.ATask("a", "other", 10))
	err := NewWriter(kubetest.Storage{Client: late{}}, late{}, NewIndex()).Restore(t.Context(), &scope, &entry, "a")
	if _, write := errors.AsType[*WriteError](err); !write {
		t.Errorf("%v", err)
	}
}
