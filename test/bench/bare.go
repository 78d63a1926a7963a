// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

// sample is how many tasks each concurrency is tried with.
const sample = 300

// measureBare finds out how fast the API server is at best: prepared bytes, sent by a plain loop, with no operator.
func measureBare(ctx context.Context, r *runner) error {
	a, err := openAccount(r.tasks)
	if err != nil {
		return err
	}
	defer a.close()
	objects, err := prepare(a, "bare", r.tasks)
	if err != nil {
		return err
	}
	return r.onStage(ctx, func(s *stage) error {
		if err := s.warm(ctx, r); err != nil {
			return err
		}
		if err := s.bed.Plane.Apply(ctx, testbed.Namespace("bare")); err != nil {
			return err
		}
		if r.bareFirst, err = s.loop(ctx, r, "first", r.concurrency, objects, s.createOne); err != nil {
			return err
		}
		n := changes(r.tasks)
		if r.bareChange, err = s.loop(ctx, r, "change", r.concurrency, objects[:n], s.patchOne); err != nil {
			return err
		}
		r.result.add("bare.concurrency", float64(r.concurrency))
		r.pair()
		return nil
	})
}

// changes is how many tasks change at once.
func changes(tasks int) int { return min(tasks, 10_000) }

// warm lets the API server do everything once, and finds the best concurrency if it is not known yet. Whatever is
// measured begins so.
func (s *stage) warm(ctx context.Context, r *runner) error {
	levels := []int{16}
	if r.concurrency == 0 {
		levels = []int{16, 4, 8, 16, 32} // the first is for warming up
	}
	best := 0.0
	for i, level := range levels {
		name := fmt.Sprintf("warm-%d", i)
		a, err := openAccount(min(sample, r.tasks))
		if err != nil {
			return err
		}
		a.close()
		objects, err := prepare(a, name, len(a.ids))
		if err != nil {
			return err
		}
		if err := s.bed.Plane.Apply(ctx, testbed.Namespace(name)); err != nil {
			return err
		}
		went, err := s.loop(ctx, nil, "", level, objects, s.createOne)
		if err != nil {
			return err
		}
		if i > 0 && went.rate > best {
			best, r.concurrency = went.rate, level
		}
		if err := s.send(ctx, http.MethodDelete, s.tasksPath(name), "", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// loop sends something for each object, so many at a time, and returns how many a second. It notes rate and cost if
// there is a runner.
func (s *stage) loop(
	ctx context.Context, r *runner, phase string, concurrency int, objects []prepared,
	one func(context.Context, *prepared, *bytes.Buffer) error,
) (pace, error) {
	before, err := s.usage()
	if err != nil {
		return pace{}, err
	}
	began := time.Now()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range concurrency {
		group.Go(func() error {
			var answer bytes.Buffer
			for {
				i := int(next.Add(1)) - 1
				if i >= len(objects) {
					return nil
				}
				if err := one(ctx, &objects[i], &answer); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return pace{}, err
	}
	took := time.Since(began)
	after, err := s.usage()
	if err != nil {
		return pace{}, err
	}
	used := after.since(before)
	went := pace{rate: float64(len(objects)) / took.Seconds(), cpu: perThousand(used.total().Seconds(), len(objects))}
	if r != nil {
		r.result.add("bare."+phase+".rate", went.rate)
		r.result.add("bare."+phase+".server", perThousand((used.apiServer+used.etcd).Seconds(), len(objects)))
		r.result.add("bare."+phase+".cpu", perThousand(used.bench.Seconds(), len(objects)))
	}
	return went, nil
}

func (s *stage) createOne(ctx context.Context, p *prepared, answer *bytes.Buffer) error {
	if err := s.send(ctx, http.MethodPost, s.tasksPath(p.namespace), "application/json", p.create, answer); err != nil {
		return err
	}
	version, err := versionIn(answer)
	if err != nil {
		return err
	}
	body := slices.Concat(p.before, version, p.after)
	return s.send(ctx, http.MethodPut, s.tasksPath(p.namespace)+"/"+p.name+"/status", "application/json", body, answer)
}

func (s *stage) patchOne(ctx context.Context, p *prepared, answer *bytes.Buffer) error {
	return s.send(ctx, http.MethodPatch, s.tasksPath(p.namespace)+"/"+p.name+"/status", "application/merge-patch+json", p.patch, answer)
}

func (s *stage) tasksPath(namespace string) string {
	return s.host + "/apis/studio.livepeer.org/v1alpha1/namespaces/" + namespace + "/livepeertasks"
}

// send makes one request and reads the answer to its end, into answer if that is not nil.
func (s *stage) send(ctx context.Context, method, url, contentType string, body []byte, answer *bytes.Buffer) error {
	return sendBy(ctx, s.http, method, url, contentType, body, answer)
}

func sendBy(ctx context.Context, by *http.Client, method, url, contentType string, body []byte, answer *bytes.Buffer) error {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("Accept", "application/json")
	response, err := by.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	if response.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 2048))
		return fmt.Errorf("%s %s: %s: %s", method, url, response.Status, text)
	}
	if answer == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	answer.Reset()
	_, err = answer.ReadFrom(response.Body)
	return err
}
