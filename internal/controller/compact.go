// SPDX-License-Identifier: Apache-2.0

package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

// maxRequest bounds how much of an annotation's value is kept, in bytes. A time has 25, and a token 12.
const maxRequest = 1 << 10

// Compact is the transform of the manager's cache: it removes from a source the metadata that the operator does not need. That may be as
// large as etcd permits: 1.5 MB for each source of one owner would fill the memory that all share.
func Compact(object any) (any, error) {
	if source, ok := object.(*v1alpha1.LivepeerTaskSource); ok {
		compact(&source.ObjectMeta)
	}
	return object, nil
}

func compact(meta *metav1.ObjectMeta) {
	var kept map[string]string
	for _, name := range []string{v1alpha1.AnnotationRequestedAt, v1alpha1.AnnotationConfirmPrune} {
		if value, ok := meta.Annotations[name]; ok {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[name] = condition.Bounded(value, maxRequest)
		}
	}
	*meta = metav1.ObjectMeta{
		Namespace: meta.Namespace, Name: meta.Name, UID: meta.UID, ResourceVersion: meta.ResourceVersion, Generation: meta.Generation,
		CreationTimestamp: meta.CreationTimestamp, DeletionTimestamp: meta.DeletionTimestamp, Annotations: kept,
	}
}
