// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"reflect"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/decode"
)

// The members that are read of a task, and of its status. The members of params and output follow from their Go types.
var (
	specLayout = decode.LayoutOf(decode.Pick(reflect.TypeFor[v1alpha1.LivepeerTaskSpec](),
		"type", "inputAssetId", "outputAssetId", "projectId", "requesterId", "params")).
		// Members that Convert reads itself, or that belong to our status.
		With(true, "id", "deleted", "createdAt", "scheduledAt", "status", "output").
		With(false, "userId", "name", "updatedAt", "sourceReadyAt", "parentAssetId")
	outputFields = decode.Pick(reflect.TypeFor[v1alpha1.LivepeerTaskStatus](), "output")
	statusLayout = decode.LayoutOf(decode.Pick(reflect.TypeFor[v1alpha1.LivepeerTaskStatus](), "phase", "retries", "errorMessage")).
			With(true, "updatedAt", "progress").
			With(false, "step")
)
