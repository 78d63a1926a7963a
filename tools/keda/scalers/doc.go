// SPDX-License-Identifier: Apache-2.0

// Package scalers is KEDA's package of this name without the other scalers, whose clients of 60 services take more than a
// quarter of an hour to build: make test-recipes lays KEDA's own files over it, unchanged (go build -overlay). What these import
// is named here, for go mod tidy.
package scalers

import (
	_ "github.com/go-logr/logr"
	_ "github.com/kedacore/keda/v2/pkg/scalers/authentication"
	_ "github.com/kedacore/keda/v2/pkg/scalers/scalersconfig"
	_ "github.com/kedacore/keda/v2/pkg/util"
	_ "github.com/prometheus/common/expfmt"
	_ "github.com/prometheus/common/model"
	_ "github.com/prometheus/prometheus/promql/parser"
	_ "github.com/rcrowley/go-metrics"
	_ "github.com/tidwall/gjson"
	_ "golang.org/x/sync/semaphore"
	_ "gopkg.in/yaml.v3"
	_ "k8s.io/api/autoscaling/v2"
	_ "k8s.io/api/discovery/v1"
	_ "k8s.io/apimachinery/pkg/api/resource"
	_ "k8s.io/apimachinery/pkg/labels"
	_ "k8s.io/metrics/pkg/apis/external_metrics"
	_ "sigs.k8s.io/controller-runtime/pkg/client"
	_ "sigs.k8s.io/controller-runtime/pkg/log"
)

const externalMetricType = "External" // which KEDA declares beside a scaler that is left out
