// SPDX-License-Identifier: Apache-2.0

// Package installcheck checks an installed operator from a pod beside it, for helm test. Check is the entry point. It must not need a
// right that not every pod has, or change anything.
package installcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/livepeer/livepeer-task-operator/internal/crdcheck"
)

// pause is the pause between two probes: an operator is ready a few seconds after it was installed.
const pause = time.Second

// Check waits until the operator's readiness probe at a URL succeeds or ctx ends, and then asks the API server of config
// whether its CRDs have every field that this version of the operator writes.
func Check(ctx context.Context, config *rest.Config, probe string) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, pause, true, func(ctx context.Context) (bool, error) {
		if err := ready(ctx, probe); err != nil && ctx.Err() == nil {
			last = err
		} else if err == nil {
			return true, nil
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("the operator is not ready: %w", errors.Join(last, err))
	}
	asked, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	missing, err := crdcheck.Ask(ctx, asked.RESTClient())
	if err != nil {
		return fmt.Errorf("the CRDs are not served: %w", err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("the CRDs are older than the operator, and lack %s", strings.Join(missing, ", "))
	}
	return nil
}

// ready requests a readiness probe once.
func ready(ctx context.Context, probe string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, probe, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s says %s: %s", probe, response.Status, strings.TrimSpace(string(said)))
	}
	return nil
}
