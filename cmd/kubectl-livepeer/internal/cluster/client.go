// SPDX-License-Identifier: Apache-2.0

// Package cluster reads and watches tasks and sources, and patches sources. It must not decide anything, or print.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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

	rest   rest.Interface
	clock  *clock
	others dynamic.Interface // reads the few other kinds that matter
	whole  Whole             // takes what is read of tasks, if it is there
}

// Whole has all that the API server answered of some tasks: fields as well that this plugin, being older, does not know.
type Whole map[types.NamespacedName]*unstructured.Unstructured

// Of returns all of one of them.
func (w Whole) Of(t *v1alpha1.LivepeerTask) *unstructured.Unstructured {
	return w[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}]
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
	clock := &clock{}
	config.Wrap(clock.wrap)
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
	return &Client{Namespace: namespace, clock: clock, others: others, rest: client}, nil
}

// Tasks lists the tasks that any of the field selectors finds, as often as they find it.
func (c *Client) Tasks(ctx context.Context, selectors []string, labels string) (found []v1alpha1.LivepeerTask, err error) {
	for _, selector := range selectors {
		part, err := c.tasks(ctx, selector, labels)
		if refused(err, selector) {
			return c.tasksSelectedHere(ctx, selectors, labels)
		}
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
	}
	return found, nil
}

// WholeTasks is Tasks for who prints them.
func (c *Client) WholeTasks(ctx context.Context, selectors []string, labels string) ([]v1alpha1.LivepeerTask, Whole, error) {
	keeps := *c
	keeps.whole = Whole{}
	found, err := keeps.Tasks(ctx, selectors, labels)
	return found, keeps.whole, err
}

func (c *Client) tasksSelectedHere(ctx context.Context, selectors []string, labels string) ([]v1alpha1.LivepeerTask, error) {
	matches, err := matcher(selectors)
	if err != nil {
		return nil, err
	}
	all, err := c.tasks(ctx, "", labels)
	return slices.DeleteFunc(all, func(t v1alpha1.LivepeerTask) bool { return !matches(&t) }), err
}

func (c *Client) tasks(ctx context.Context, fields, labels string) ([]v1alpha1.LivepeerTask, error) {
	return list(ctx, c, tasks, fields, labels, func(answer rest.Result) ([]v1alpha1.LivepeerTask, string, error) {
		part := &v1alpha1.LivepeerTaskList{}
		err := answer.Into(part)
		if err == nil && c.whole != nil {
			err = c.whole.keep(answer)
		}
		return part.Items, part.Continue, err
	})
}

// keep adds the tasks of an answer.
func (w Whole) keep(answer rest.Result) error {
	body, err := answer.Raw()
	if err != nil {
		return err
	}
	list := &unstructured.UnstructuredList{}
	if err := list.UnmarshalJSON(body); err != nil {
		return err
	}
	for i := range list.Items {
		task := &list.Items[i]
		w[types.NamespacedName{Namespace: task.GetNamespace(), Name: task.GetName()}] = task
	}
	return nil
}

// Sources lists the sources.
func (c *Client) Sources(ctx context.Context) ([]v1alpha1.LivepeerTaskSource, error) {
	return list(ctx, c, sources, "", "", func(answer rest.Result) ([]v1alpha1.LivepeerTaskSource, string, error) {
		part := &v1alpha1.LivepeerTaskSourceList{}
		err := answer.Into(part)
		return part.Items, part.Continue, err
	})
}

// list reads page after page; read returns what one holds, and what asks for the next. Where that has expired, it begins again, and asks
// for everything at once.
func list[T any](
	ctx context.Context, c *Client, resource, fields, labels string, read func(rest.Result) ([]T, string, error),
) (items []T, err error) {
	options := metav1.ListOptions{FieldSelector: fields, LabelSelector: labels, Limit: page}
	for {
		answer := c.rest.Get().Namespace(c.Namespace).Resource(resource).VersionedParams(&options, metav1.ParameterCodec).Do(ctx)
		part, next, err := read(answer)
		if apierrors.IsResourceExpired(err) && options.Limit > 0 {
			options.Limit, options.Continue, items = 0, "", nil
			continue
		}
		if err != nil {
			return nil, Explain(err)
		}
		items, options.Continue = append(items, part...), next
		if next == "" {
			return items, nil
		}
	}
}

// Readable returns why tasks can't be listed, or nil.
func (c *Client) Readable(ctx context.Context) error {
	options := metav1.ListOptions{Limit: 1}
	return Explain(c.rest.Get().Namespace(c.Namespace).Resource(tasks).VersionedParams(&options, metav1.ParameterCodec).Do(ctx).Error())
}

// Annotate sets an annotation of a source.
func (c *Client) Annotate(ctx context.Context, s *v1alpha1.LivepeerTaskSource, key, value string) error {
	return c.patch(ctx, s, map[string]any{"metadata": map[string]any{"annotations": map[string]string{key: value}}})
}

// Suspend suspends a source, or lets it go on.
func (c *Client) Suspend(ctx context.Context, s *v1alpha1.LivepeerTaskSource, suspend bool) error {
	return c.patch(ctx, s, map[string]any{"spec": map[string]any{"suspend": suspend}})
}

// patch changes no more than what it names, with a JSON merge patch.
func (c *Client) patch(ctx context.Context, s *v1alpha1.LivepeerTaskSource, change any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return Explain(c.rest.Patch(types.MergePatchType).Namespace(s.Namespace).Resource(sources).Name(s.Name).
		Param("fieldManager", "kubectl-livepeer").Body(body).Do(ctx).Error())
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
	case apierrors.IsServiceUnavailable(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err):
		return fmt.Errorf("%w; try again in a while: the cluster is there, and can't answer now", err)
	case errors.As(err, &unreachable) && unreachable.Timeout():
		return fmt.Errorf("the cluster did not answer in time: %w; try again, name another with --context, or wait longer with "+
			"--request-timeout", unreachable.Err)
	case errors.As(err, &unreachable) && !errors.Is(err, context.Canceled):
		return fmt.Errorf("the cluster can't be reached: %w; try again, or name another with --context", unreachable.Err)
	}
	return err
}

// noCluster is where client-go looks for a cluster if no configuration names one.
const noCluster = "http://localhost:8080/"
