// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// The operator's Deployment and the Service of its receiver have these labels, whichever way it was installed.
const (
	operatorLabels = "app.kubernetes.io/name=livepeer-task-operator,app.kubernetes.io/component=manager"
	receiverLabels = "app.kubernetes.io/name=livepeer-task-operator,app.kubernetes.io/component=receiver"
)

// Operators returns the operator's Deployments of all namespaces.
func (c *Client) Operators(ctx context.Context) ([]appsv1.Deployment, error) {
	return listAll[appsv1.Deployment](ctx, c, appsv1.SchemeGroupVersion.WithResource("deployments"), operatorLabels)
}

// ReceiverServices returns the Services that webhooks come in by, of all namespaces.
func (c *Client) ReceiverServices(ctx context.Context) ([]corev1.Service, error) {
	return listAll[corev1.Service](ctx, c, corev1.SchemeGroupVersion.WithResource("services"), receiverLabels)
}

// Ingresses returns the Ingresses of all namespaces.
func (c *Client) Ingresses(ctx context.Context) ([]networkingv1.Ingress, error) {
	return listAll[networkingv1.Ingress](ctx, c, networkingv1.SchemeGroupVersion.WithResource("ingresses"), "")
}

// HTTPRoute is as much of one as says which URLs lead where.
type HTTPRoute struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Hostnames []string `json:"hostnames"`
		Rules     []struct {
			Matches []struct {
				Path *struct{ Type, Value string } `json:"path"`
			} `json:"matches"`
			BackendRefs []struct{ Name, Namespace string } `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
}

// HTTPRoutes returns the HTTPRoutes of all namespaces; none where the cluster does not know the Gateway API.
func (c *Client) HTTPRoutes(ctx context.Context) ([]HTTPRoute, error) {
	routes := schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	return listAll[HTTPRoute](ctx, c, routes, "")
}

// listAll lists objects of all namespaces. A kind that the cluster does not know has none.
func listAll[T any](ctx context.Context, c *Client, resource schema.GroupVersionResource, labels string) ([]T, error) {
	list, err := c.others.Resource(resource).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	items := make([]T, len(list.Items))
	for i := range list.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &items[i]); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// SecretKeys is what may be known of a Secret: its type, and which keys have a value. The values themselves go no further.
type SecretKeys struct {
	Type string
	Has  map[string]bool
}

// Secret reads a Secret of the namespace; readable is false where the user may not.
func (c *Client) Secret(ctx context.Context, namespace, name string) (keys *SecretKeys, readable bool, err error) {
	secrets := c.others.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(namespace)
	object, err := secrets.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return nil, false, nil
	case apierrors.IsNotFound(err):
		return nil, true, nil
	case err != nil:
		return nil, false, err
	}
	kind, _, _ := unstructured.NestedString(object.Object, "type")
	data, _, _ := unstructured.NestedStringMap(object.Object, "data")
	keys = &SecretKeys{Type: kind, Has: map[string]bool{}}
	for key, value := range data {
		keys.Has[key] = value != ""
	}
	return keys, true, nil
}

// May asks whether the user may do something with a resource of the operator's group in the namespace.
func (c *Client) May(ctx context.Context, verb, resource string) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{
		TypeMeta: metav1.TypeMeta{APIVersion: authorizationv1.SchemeGroupVersion.String(), Kind: "SelfSubjectAccessReview"},
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: c.Namespace, Verb: verb, Group: v1alpha1.GroupVersion.Group, Resource: resource,
		}},
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(review)
	if err != nil {
		return false, err
	}
	reviews := c.others.Resource(authorizationv1.SchemeGroupVersion.WithResource("selfsubjectaccessreviews"))
	answer, err := reviews.Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	allowed, found, err := unstructured.NestedBool(answer.Object, "status", "allowed")
	if err == nil && !found {
		err = errors.New("the API server did not answer an access review")
	}
	return allowed, err
}
