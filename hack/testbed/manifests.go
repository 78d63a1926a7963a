// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const (
	// SourceName is that of the source in each namespace.
	SourceName = "main"

	secretName = "livepeer"
)

// Account is what a user applies to mirror an account into a namespace of its own: the namespace, a Secret with this data, and
// a source with this spec, which reads it.
func Account(namespace string, secret, spec map[string]any) []*unstructured.Unstructured {
	return []*unstructured.Unstructured{
		Namespace(namespace),
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": secretName, "namespace": namespace},
			"stringData": secret,
		}},
		Source(namespace, spec),
	}
}

// Namespace is a namespace.
func Namespace(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
}

// Source is the source of Account alone.
func Source(namespace string, spec map[string]any) *unstructured.Unstructured {
	spec = maps.Clone(spec)
	spec["secretRef"] = map[string]any{"name": secretName}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "LivepeerTaskSource",
		"metadata": map[string]any{"name": SourceName, "namespace": namespace}, "spec": spec,
	}}
}

// RequestSync asks for a full sync of the source in a namespace, by a value that no earlier request had.
func RequestSync(ctx context.Context, c client.Client, namespace, value string) error {
	source := &v1alpha1.LivepeerTaskSource{}
	source.Namespace, source.Name = namespace, SourceName
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationRequestedAt, value)
	return c.Patch(ctx, source, client.RawPatch(types.MergePatchType, patch))
}
