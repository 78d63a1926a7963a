// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"fmt"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/kubernetes"
)

// Requests returns how many requests for a resource, its subresources included, the API server has answered since it
// started, by verb as its own metrics name it: GET, LIST, WATCH, POST, PUT, PATCH, APPLY, DELETE, DELETECOLLECTION. resource is
// the plural, for instance livepeertasks. A watch counts when it ends.
func (c *ControlPlane) Requests(ctx context.Context, resource string) (map[string]int, error) {
	clientset, err := kubernetes.NewForConfig(c.env.Config)
	if err != nil {
		return nil, err
	}
	body, err := clientset.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API server's metrics: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read the API server's metrics: %w", err)
	}

	requests := map[string]int{}
	for _, metric := range families["apiserver_request_total"].GetMetric() {
		labels := map[string]string{}
		for _, label := range metric.GetLabel() {
			labels[label.GetName()] = label.GetValue()
		}
		if labels["resource"] == resource {
			requests[labels["verb"]] += int(metric.GetCounter().GetValue())
		}
	}
	return requests, nil
}

// Writes adds up what Requests returns for the verbs that change something.
func Writes(requests map[string]int) int {
	sum := 0
	for _, verb := range []string{"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"} {
		sum += requests[verb]
	}
	return sum
}
