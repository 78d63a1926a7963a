// SPDX-License-Identifier: Apache-2.0

// Package cluster reads and watches tasks and sources, and patches sources. It must not decide anything, or print.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const (
	tasks   = "livepeertasks"
	sources = "livepeertasksources"
	// page is how many objects are read with one request: an account may have many thousands.
	page = 500
)

// Client knows the kinds of the operator, in one namespace, or in all where Namespace is "".
type Client struct {
	Namespace string
	// Others reads the few other kinds that matter.
	Others dynamic.Interface

	rest rest.Interface
}

// Scheme knows the operator's kinds.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		panic(err) // only a type without metadata does that
	}
	return scheme
}

// New returns a client.
func New(config *rest.Config, namespace string) (*Client, error) {
	config = rest.CopyConfig(config)
	// As kubectl has it. The API server looks after itself, and client-go's own limit of 5 a second would be felt.
	config.QPS, config.Burst = 50, 300
	others, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	config.GroupVersion = &v1alpha1.GroupVersion
	config.APIPath = "/apis"
	config.NegotiatedSerializer = serializer.NewCodecFactory(Scheme()).WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, err
	}
	return &Client{Namespace: namespace, Others: others, rest: client}, nil
}

// Tasks lists tasks page by page.
func (c *Client) Tasks(ctx context.Context, fields, labels string) ([]v1alpha1.LivepeerTask, error) {
	var items []v1alpha1.LivepeerTask
	err := c.list(ctx, tasks, fields, labels, func() (runtime.Object, func() string) {
		list := &v1alpha1.LivepeerTaskList{}
		return list, func() string { items = append(items, list.Items...); return list.Continue }
	}, func() { items = nil })
	return items, err
}

// Readable returns why tasks can't be listed, or nil.
func (c *Client) Readable(ctx context.Context) error {
	options := metav1.ListOptions{Limit: 1}
	return Explain(c.rest.Get().Namespace(c.Namespace).Resource(tasks).VersionedParams(&options, metav1.ParameterCodec).Do(ctx).Error())
}

// Sources lists the sources.
func (c *Client) Sources(ctx context.Context) ([]v1alpha1.LivepeerTaskSource, error) {
	var items []v1alpha1.LivepeerTaskSource
	err := c.list(ctx, sources, "", "", func() (runtime.Object, func() string) {
		list := &v1alpha1.LivepeerTaskSourceList{}
		return list, func() string { items = append(items, list.Items...); return list.Continue }
	}, func() { items = nil })
	return items, err
}

// list reads page after page; add says where a page goes, and what takes it up and tells the next. A continuation that has expired
// begins again, with one answer for everything.
func (c *Client) list(
	ctx context.Context, resource, fields, labels string, add func() (runtime.Object, func() string), again func(),
) error {
	options := metav1.ListOptions{FieldSelector: fields, LabelSelector: labels, Limit: page}
	for {
		list, take := add()
		err := c.rest.Get().Namespace(c.Namespace).Resource(resource).
			VersionedParams(&options, metav1.ParameterCodec).Do(ctx).Into(list)
		if apierrors.IsResourceExpired(err) && options.Limit > 0 {
			options.Limit, options.Continue = 0, ""
			again()
			continue
		}
		if err != nil {
			return Explain(err)
		}
		if options.Continue = take(); options.Continue == "" {
			return nil
		}
	}
}

// PatchSource changes a source with a JSON merge patch, and returns what it has become.
func (c *Client) PatchSource(ctx context.Context, namespace, name string, patch any) (*v1alpha1.LivepeerTaskSource, error) {
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	source := &v1alpha1.LivepeerTaskSource{}
	err = c.rest.Patch(types.MergePatchType).Namespace(namespace).Resource(sources).Name(name).
		Param("fieldManager", "kubectl-livepeer").Body(body).Do(ctx).Into(source)
	return source, Explain(err)
}

// Annotation is a merge patch that sets an annotation.
func Annotation(key, value string) any {
	return map[string]any{"metadata": map[string]any{"annotations": map[string]string{key: value}}}
}

// OpenAPI returns the OpenAPI v3 document of the operator's group, which says what the CRDs know.
func (c *Client) OpenAPI(ctx context.Context) ([]byte, error) {
	return c.rest.Get().AbsPath("/openapi/v3/apis/"+v1alpha1.GroupVersion.String()).SetHeader("Accept", "application/json").DoRaw(ctx)
}

// Explain adds the next step to the errors that people meet first.
func Explain(err error) error {
	status, unreachable := apierrors.APIStatus(nil), (*url.Error)(nil)
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w; ask for the role view (to look) or edit (to change) in that namespace", err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w; log in to the cluster anew", err)
	case apierrors.IsNotFound(err) && errors.As(err, &status) && (status.Status().Details == nil || status.Status().Details.Name == ""):
		return errors.New("this cluster does not know LivepeerTasks; install the operator, or name another cluster with --context")
	case errors.As(err, &unreachable) && !unreachable.Timeout() && strings.HasPrefix(unreachable.URL, noCluster):
		return errors.New("no cluster is configured; set KUBECONFIG, or name a file with --kubeconfig")
	case errors.As(err, &unreachable) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled):
		return fmt.Errorf("the cluster can't be reached: %w; try again, or name another with --context", unreachable.Err)
	}
	return err
}

// noCluster is where client-go looks for a cluster if no configuration names one.
const noCluster = "http://localhost:8080/"
