// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/freeport"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

// start runs the operator, and waits until it is ready.
func (s *stage) start(ctx context.Context) error {
	probes, err := freeport.Address(ctx)
	if err != nil {
		return err
	}
	if s.receiver, err = freeport.Address(ctx); err != nil {
		return err
	}
	s.started = time.Now()
	s.operator, err = testbed.StartOperator(context.WithoutCancel(ctx), testbed.OperatorOptions{
		Binary: s.manager, Kubeconfig: s.kubeconfig, Log: s.operatorLog(), Probes: probes, Receiver: s.receiver,
		Env: []string{"MEMORY_LIMIT=536870912"}, // as config/manager has it
	})
	if err != nil {
		return err
	}
	return s.ready(ctx, "http://"+probes+"/readyz")
}

// ready waits until the operator says that it is.
func (s *stage) ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return every(ctx, 10*time.Millisecond, func() (bool, error) {
		select {
		case <-s.operator.Ended():
			return false, fmt.Errorf("the operator ended: %w", s.operator.Err())
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // it does not listen yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// every asks until the answer is yes.
func every(ctx context.Context, pause time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
