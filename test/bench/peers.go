// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// peerTasks bounds the tasks of a peer whose cost grows with their number only.
const peerTasks = 2000

// measurePeer has a peer mirror an account as passes does, on a stage that is warm. f gives passes what makes a pass.
func (r *runner) measurePeer(
	ctx context.Context, peer string, f func(s *stage, a *account, passes func(pass func() error) error) error,
) error {
	n := min(r.tasks, peerTasks)
	a, err := openAccount(n)
	if err != nil {
		return err
	}
	defer a.close()
	return r.onStage(ctx, func(s *stage) error {
		if err := s.warm(ctx, r); err != nil {
			return err
		}
		if err := s.bed.Plane.Apply(ctx, testbed.Namespace(namespace)); err != nil {
			return err
		}
		r.result.add(peer+".tasks", float64(n))
		return f(s, a, func(pass func() error) error { return r.passes(s, peer, a, pass) })
	})
}

// passes measures a peer that mirrors an account anew, then again where nothing changed, then where all did.
func (r *runner) passes(s *stage, peer string, a *account, pass func() error) error {
	n := len(a.ids)
	for _, name := range []string{"first", "unchanged", "change"} {
		if name == "change" {
			a.change(n)
		}
		before, err := s.usage()
		if err != nil {
			return err
		}
		began := time.Now()
		if err := pass(); err != nil {
			return err
		}
		took := time.Since(began).Seconds()
		after, err := s.usage()
		if err != nil {
			return err
		}
		spent := after.since(before)
		r.result.add(peer+"."+name+".rate", float64(n)/took)
		r.result.add(peer+"."+name+".cpu", perThousand(spent.bench.Seconds(), n))
		r.result.add(peer+"."+name+".server", perThousand((spent.apiServer+spent.etcd).Seconds(), n))
	}
	return nil
}

// page lists up to 1,000 tasks from the one at that offset on.
func (a *account) page(ctx context.Context, skip int) ([]json.RawMessage, error) {
	url := fmt.Sprintf("%s/task?limit=1000&cursor=skip%d", a.url(), skip)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+livepeertest.APIKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	var tasks []json.RawMessage
	err = json.NewDecoder(response.Body).Decode(&tasks)
	return tasks, err
}
