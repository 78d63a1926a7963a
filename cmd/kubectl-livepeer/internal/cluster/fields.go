// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// refused reports whether the API server does not know the fields that it was to select by. Before Kubernetes 1.31 it knows none of a
// custom resource but name and namespace. What it refuses is selected here.
func refused(err error, selector string) bool { return selector != "" && apierrors.IsBadRequest(err) }

// narrowed leaves the selecting of tasks to the API server where it knows the fields. What else goes wrong is found out by the watch.
func (c *Client) narrowed(ctx context.Context, selectors []string, labels string) selection[v1alpha1.LivepeerTask] {
	which := selection[v1alpha1.LivepeerTask]{fields: selectors, labels: labels}
	every := strings.Join(slices.DeleteFunc(slices.Clone(selectors), func(s string) bool { return s == "" }), ",")
	options := metav1.ListOptions{FieldSelector: every, LabelSelector: labels, Limit: 1}
	err := c.rest.Get().Namespace(c.Namespace).Resource(tasks).VersionedParams(&options, metav1.ParameterCodec).Do(ctx).Error()
	if !refused(err, every) {
		return which
	}
	if matches, err := matcher(selectors); err == nil {
		which.fields, which.keep = []string{""}, matches
	}
	return which
}

// matcher does what field selectors do: it lets through what any of them finds.
func matcher(selectors []string) (func(*v1alpha1.LivepeerTask) bool, error) {
	parsed := make([]fields.Selector, len(selectors))
	for i, selector := range selectors {
		var err error
		if parsed[i], err = fields.ParseSelector(selector); err != nil {
			return nil, err
		}
	}
	return func(t *v1alpha1.LivepeerTask) bool {
		set := fields.Set{
			"metadata.name": t.Name, "metadata.namespace": t.Namespace, "spec.id": t.Spec.ID, "spec.type": t.Spec.Type,
			"spec.inputAssetId": t.Spec.InputAssetID, "spec.outputAssetId": t.Spec.OutputAssetID, "spec.projectId": t.Spec.ProjectID,
			"status.phase": t.Status.Phase,
		}
		return slices.ContainsFunc(parsed, func(s fields.Selector) bool { return s.Matches(set) })
	}, nil
}
