// SPDX-License-Identifier: Apache-2.0

// Command playback-urls is a controller to copy from: it keeps the playback URLs of completed uploads in ConfigMaps, one
// for each LivepeerTaskSource of a namespace. The README beside it explains it.
package main

import (
	"context"
	"errors"
	"flag"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// maxBytes of keys and values in one ConfigMap. The API server takes 1 MiB of values, and etcd 1.5 MiB of everything;
// half a MiB leaves room for the names of the keys that managedFields repeats.
const maxBytes = 512 << 10

func main() {
	namespace := flag.String("namespace", "", "the namespace to work in")
	probes := flag.String("health-probe-bind-address", "0", "where /healthz answers, for instance :8081; 0: nowhere")
	flag.Parse() // controller-runtime adds --kubeconfig
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler(), *namespace, *probes); err != nil {
		ctrl.Log.Error(err, "Stopped")
		os.Exit(1)
	}
}

func run(ctx context.Context, namespace, probes string) error {
	if namespace == "" {
		return errors.New("--namespace is missing")
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	options, err := managerOptions(namespace)
	if err != nil {
		return err
	}
	options.HealthProbeBindAddress = probes
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := (&recorder{client: mgr.GetClient(), maxBytes: maxBytes}).setUp(mgr); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// managerOptions narrow what is watched, which is what is held in memory: of tasks, the API server sends completed
// uploads alone; of ConfigMaps, our own. No lease is needed: two replicas would write the same.
func managerOptions(namespace string) (ctrl.Options, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return ctrl.Options{}, err
		}
	}
	completedUploads := fields.Set{"spec.type": v1alpha1.TypeUpload, "status.phase": v1alpha1.PhaseCompleted}
	return ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{namespace: {}},
			ByObject: map[client.Object]cache.ByObject{
				&v1alpha1.LivepeerTask{}: {Field: completedUploads.AsSelector(), Transform: keepOutput},
				&corev1.ConfigMap{}:      {Label: labels.SelectorFromSet(labels.Set{labelManagedBy: name})},
			},
		},
	}, nil
}

// keepOutput drops what is large and not read before it is cached.
func keepOutput(object any) (any, error) {
	if task, ok := object.(*v1alpha1.LivepeerTask); ok {
		task.ManagedFields, task.Spec.Params = nil, nil
	}
	return object, nil
}
