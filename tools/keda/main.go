// SPDX-License-Identifier: Apache-2.0

// Command keda runs the metrics-api scaler of KEDA, as KEDA's operator does, once for each trigger of the ScaledObject in the file
// named. The scaler trusts the certificate authorities in the folder that the second argument names. What a TriggerAuthentication
// gives it comes by the standard input, as a JSON object. Prints, for each trigger, the metric, its value, and whether it is active.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/kedacore/keda/v2/pkg/scalers/scalersconfig"
	kedautil "github.com/kedacore/keda/v2/pkg/util"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/tools/keda/scalers"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path, authorities string, auth io.Reader) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	scaled := &v1alpha1.ScaledObject{}
	if err := yaml.UnmarshalStrict(raw, scaled); err != nil {
		return err
	}
	params := map[string]string{}
	if err := json.NewDecoder(auth).Decode(&params); err != nil {
		return err
	}
	if err := kedautil.ConfigureHTTPTransport(kedautil.HTTPTransportConfig{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}); err != nil {
		return err
	}
	kedautil.SetCACertDirs([]string{authorities})
	for i, trigger := range scaled.Spec.Triggers {
		scaler, err := scalers.NewMetricsAPIScaler(&scalersconfig.ScalerConfig{
			ScalableObjectName: scaled.Name, ScalableObjectNamespace: scaled.Namespace, ScalableObjectType: "ScaledObject",
			TriggerType: trigger.Type, TriggerMetadata: trigger.Metadata, TriggerIndex: i, MetricType: trigger.MetricType,
			AuthParams: params, GlobalHTTPTimeout: 3 * time.Second, // KEDA's default
		}, nil)
		if err != nil {
			return err
		}
		for _, spec := range scaler.GetMetricSpecForScaling(ctx) {
			name := spec.External.Metric.Name
			values, active, err := scaler.GetMetricsAndActivity(ctx, name)
			if err != nil {
				return err
			}
			for _, value := range values {
				fmt.Printf("%s value=%s target=%s active=%t\n", name, &value.Value, spec.External.Target.AverageValue, active)
			}
		}
	}
	return nil
}
