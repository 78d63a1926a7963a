// SPDX-License-Identifier: Apache-2.0

// Command pods runs what the pods of Argo Events run, with the rights of the kubeconfig in KUBECONFIG: as controller, the reconcilers of
// its controller; as eventsource-service and sensor-service, an event source and a Sensor, which read their environment as those pods do.
// It is Argo Events' own code but for three things: the image's program reads a file in /etc, and has its pods serve metrics all at one port,
// so that no two of them run in one network.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/eventsources"
	"github.com/argoproj/argo-events/pkg/metrics"
	"github.com/argoproj/argo-events/pkg/reconciler"
	"github.com/argoproj/argo-events/pkg/reconciler/eventbus"
	"github.com/argoproj/argo-events/pkg/reconciler/eventsource"
	"github.com/argoproj/argo-events/pkg/reconciler/sensor"
	"github.com/argoproj/argo-events/pkg/sensors"
	"github.com/argoproj/argo-events/pkg/shared/logging"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/yaml"
)

func main() {
	ctx := logging.WithLogger(signals.SetupSignalHandler(), logging.NewArgoEventsLogger())
	run := map[string]func(context.Context) error{"controller": control, "eventsource-service": listen, "sensor-service": trigger}[os.Args[1]]
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// control reconciles EventBuses, EventSources and Sensors. The standard input is controller-config.yaml.
func control(ctx context.Context) error {
	raw, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	config := &reconciler.GlobalConfig{}
	if err := yaml.Unmarshal(raw, config); err != nil {
		return err
	}
	if err := reconciler.ValidateConfig(config); err != nil {
		return err
	}
	access := ctrl.GetConfigOrDie()
	mgr, err := ctrl.NewManager(access, ctrl.Options{Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		return err
	}
	if err := v1alpha1.AddToScheme(mgr.GetScheme()); err != nil {
		return err
	}
	const image = "quay.io/argoproj/argo-events"
	c, scheme, logger := mgr.GetClient(), mgr.GetScheme(), logging.FromContext(ctx)
	for kind, reconciles := range map[client.Object]reconcile.Reconciler{
		&v1alpha1.EventBus{}:    eventbus.NewReconciler(c, kubernetes.NewForConfigOrDie(access), scheme, config, logger),
		&v1alpha1.EventSource{}: eventsource.NewReconciler(c, scheme, image, logger),
		&v1alpha1.Sensor{}:      sensor.NewReconciler(c, scheme, image, logger),
	} {
		if err := ctrl.NewControllerManagedBy(mgr).For(kind).Complete(reconciles); err != nil {
			return err
		}
	}
	return mgr.Start(ctx)
}

// listen sends to the event bus what an EventSource says.
func listen(ctx context.Context) error {
	source, bus := &v1alpha1.EventSource{}, &v1alpha1.BusConfig{}
	if err := fromEnvironment(map[string]any{v1alpha1.EnvVarEventSourceObject: source, v1alpha1.EnvVarEventBusConfig: bus}); err != nil {
		return err
	}
	subject, pod := os.Getenv(v1alpha1.EnvVarEventBusSubject), os.Getenv(v1alpha1.EnvVarPodName)
	return eventsources.NewEventSourceAdaptor(source, bus, subject, pod, metrics.NewMetrics(source.Namespace)).Start(ctx)
}

// trigger does what a Sensor says with what is on the event bus.
func trigger(ctx context.Context) error {
	sensor, bus := &v1alpha1.Sensor{}, &v1alpha1.BusConfig{}
	if err := fromEnvironment(map[string]any{v1alpha1.EnvVarSensorObject: sensor, v1alpha1.EnvVarEventBusConfig: bus}); err != nil {
		return err
	}
	subject, pod := os.Getenv(v1alpha1.EnvVarEventBusSubject), os.Getenv(v1alpha1.EnvVarPodName)
	access := ctrl.GetConfigOrDie()
	return sensors.NewSensorContext(kubernetes.NewForConfigOrDie(access), dynamic.NewForConfigOrDie(access), sensor, bus, subject, pod,
		metrics.NewMetrics(sensor.Namespace)).Start(ctx)
}

// fromEnvironment decodes variables as the controller writes them.
func fromEnvironment(variables map[string]any) error {
	for name, into := range variables {
		raw, err := base64.StdEncoding.DecodeString(os.Getenv(name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
