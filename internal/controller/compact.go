// SPDX-License-Identifier: Apache-2.0

package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

// maxRequest bounds what is taken of an annotation that asks for something, in bytes. A time has 25, and a token 12.
const maxRequest = 1 << 10

// Compact takes from a source what the operator does not need to know of it, for the manager's cache. All else of its metadata may have as
// much as etcd takes: a megabyte and a half of each source of one owner would fill the memory that all share.
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
