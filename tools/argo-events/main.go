// SPDX-License-Identifier: Apache-2.0

// Command argo-events runs the resource and webhook event sources of Argo Events, as their pods do, for the EventSource in the file
// named, with the rights of the kubeconfig in KUBECONFIG. It prints each event that a source would send to its event bus, one a line;
// with a second file, a list of a Sensor's dependencies, those alone that the filters of the event's dependency let through, as the
// Sensor's pod does.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	eventsourcecommon "github.com/argoproj/argo-events/pkg/eventsources/common"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/resource"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/webhook"
	"github.com/argoproj/argo-events/pkg/metrics"
	"github.com/argoproj/argo-events/pkg/sensors/dependencies"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, paths []string) error {
	source, sensor := &v1alpha1.EventSource{}, struct {
		Dependencies []v1alpha1.EventDependency `json:"dependencies"`
	}{}
	for i, into := range []any{source, &sensor}[:len(paths)] {
		raw, err := os.ReadFile(paths[i])
		if err != nil {
			return err
		}
		if err := yaml.UnmarshalStrict(raw, into); err != nil {
			return err
		}
	}
	ended := make(chan error)
	start := func(event string, listener eventsource) {
		go func() {
			ended <- listener.StartListening(ctx, func(data []byte, _ ...eventsourcecommon.Option) error {
				if len(paths) > 1 && !passes(data, source.Name, event, sensor.Dependencies) {
					return nil
				}
				_, err := fmt.Printf("%s\n", data)
				return err
			})
		}()
	}
	shared := metrics.NewMetrics(source.Namespace)
	for name, spec := range source.Spec.Resource {
		start(name, &resource.EventListener{EventSourceName: source.Name, EventName: name, ResourceEventSource: spec, Metrics: shared})
	}
	for name, spec := range source.Spec.Webhook {
		start(name, &webhook.EventListener{EventSourceName: source.Name, EventName: name, Webhook: spec, Metrics: shared})
	}
	return <-ended
}

type eventsource interface {
	StartListening(context.Context, func([]byte, ...eventsourcecommon.Option) error) error
}

// passes says whether one of the dependencies lets an event through.
func passes(data []byte, source, event string, all []v1alpha1.EventDependency) bool {
	for i := range all {
		if all[i].EventSourceName != source || all[i].EventName != event {
			continue
		}
		about := &v1alpha1.EventContext{Source: source, Subject: event, DataContentType: "application/json"}
		ok, err := dependencies.Filter(&v1alpha1.Event{Context: about, Data: data}, all[i].Filters, all[i].FiltersLogicalOperator)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		if ok {
			return true
		}
	}
	return false
}
