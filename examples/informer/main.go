// SPDX-License-Identifier: Apache-2.0

// Command informer prints each task that failed, with client-go alone: no manager, no controller. docs/for-controllers.md
// explains it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func main() {
	namespace := flag.String("namespace", "default", "whose tasks to watch")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv(clientcmd.RecommendedConfigPathEnvVar))
	if err == nil {
		err = printFailures(ctx, config, *namespace, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// printFailures writes a line for each failed task of the namespace, those that are there and those to come, until ctx
// ends.
func printFailures(ctx context.Context, config *rest.Config, namespace string, to io.Writer) error {
	tasks, err := restClient(config)
	if err != nil {
		return err
	}
	listWatch := cache.NewFilteredListWatchFromClient(tasks, "livepeertasks", namespace, func(options *metav1.ListOptions) {
		options.FieldSelector = "status.phase=" + v1alpha1.PhaseFailed
	})
	informer := cache.NewSharedIndexInformer(listWatch, &v1alpha1.LivepeerTask{}, 0, nil)
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(object any) {
		if task, ok := object.(*v1alpha1.LivepeerTask); ok {
			_, _ = fmt.Fprintf(to, "%s (%s): %s\n", task.Spec.ID, task.Spec.Type, task.Status.ErrorMessage)
		}
	}})
	if err != nil {
		return err
	}
	informer.RunWithContext(ctx)
	return nil
}

// restClient returns a client for the kinds of v1alpha1 and no others.
func restClient(config *rest.Config) (*rest.RESTClient, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.GroupVersion = &v1alpha1.GroupVersion
	config.APIPath = "/apis"
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	return rest.RESTClientFor(config)
}
