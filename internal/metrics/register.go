// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Register exports a metric, and returns it, or the one of that name that is exported already: several managers in one process,
// as in tests, share it.
func Register[T prometheus.Collector](registry prometheus.Registerer, metric T) (T, error) {
	err := registry.Register(metric)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if known, same := already.ExistingCollector.(T); same {
			return known, nil
		}
	}
	return metric, err
}
