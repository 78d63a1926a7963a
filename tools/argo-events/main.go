// SPDX-License-Identifier: Apache-2.0

// Command argo-events runs a resource event source of Argo Events, as its pod does, for the EventSource in the file named, with
// the rights of the kubeconfig in KUBECONFIG. It prints each event that the source would send to its event bus, one a line.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	eventsourcecommon "github.com/argoproj/argo-events/pkg/eventsources/common"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/resource"
	"github.com/argoproj/argo-events/pkg/metrics"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	source := &v1alpha1.EventSource{}
	if err := yaml.UnmarshalStrict(raw, source); err != nil {
		return err
	}
	ended := make(chan error)
	for name, spec := range source.Spec.Resource {
		listener := &resource.EventListener{
			EventSourceName: source.Name, EventName: name, ResourceEventSource: spec, Metrics: metrics.NewMetrics(source.Namespace),
		}
		go func() {
			ended <- listener.StartListening(ctx, func(event []byte, _ ...eventsourcecommon.Option) error {
				_, err := fmt.Printf("%s\n", event)
				return err
			})
		}()
	}
	return <-ended
}
