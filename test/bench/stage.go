// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	namespace = "media"

	// patience bounds every wait for the operator: 100,000 tasks take minutes.
	patience = 40 * time.Minute
)

// stage is a control plane, and what runs on it.
type stage struct {
	dir             string
	bed             *testbed.Testbed
	rival           client.Client // with the rights to do what the operator does
	rivalConfig     *rest.Config
	rivalKubeconfig string
	http            *http.Client // the same, for plain requests, as client-go makes it
	admin           *http.Client // may do everything
	host            string
	manager         string
	kubeconfig      string            // of the operator
	operator        *testbed.Operator // nil until it runs
	receiver        string            // where it receives webhooks
	started         time.Time
	apiServer       int // processes
	etcd            int
}

// onStage runs f on a fresh stage.
func (r *runner) onStage(ctx context.Context, f func(*stage) error) (err error) {
	dir, err := os.MkdirTemp("", "livepeer-bench-")
	if err != nil {
		return err
	}
	s := &stage{dir: dir, manager: r.opts.manager}
	defer func() {
		if err != nil && s.operator != nil {
			err = fmt.Errorf("%w; the operator's log: %s", err, s.operatorLog())
		}
		err = errors.Join(err, s.clear(err == nil))
	}()
	if err := s.raise(ctx); err != nil {
		return err
	}
	return f(s)
}

func (s *stage) raise(ctx context.Context) (err error) {
	if s.bed, err = testbed.Start(ctx, testbed.Options{Dir: s.dir}); err != nil {
		return err
	}
	s.host = strings.TrimSuffix(s.bed.Plane.Config().Host, "/")
	if s.apiServer, err = child("kube-apiserver"); err != nil {
		return err
	}
	if s.etcd, err = child("etcd"); err != nil {
		return err
	}
	return s.prepareAccess(ctx)
}

func (s *stage) operatorLog() string { return filepath.Join(s.dir, "operator.log") }

// clear ends what was started, the last first.
func (s *stage) clear(all bool) error {
	if s.operator != nil {
		s.operator.Stop()
	}
	var errs []error
	if s.bed != nil {
		errs = append(errs, s.bed.Stop())
	}
	if all {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// usage returns the CPU time that everybody has used.
func (s *stage) usage() (u usage, err error) {
	u.bench = ownCPU()
	if u.apiServer, err = cpuTime(s.apiServer); err != nil {
		return u, err
	}
	if u.etcd, err = cpuTime(s.etcd); err != nil {
		return u, err
	}
	if s.operator != nil {
		u.operator, err = cpuTime(s.operator.PID())
	}
	return u, err
}

// requests returns the API server's count of requests for LivepeerTasks, once it has counted all that it has answered.
func (s *stage) requests(ctx context.Context) (map[string]int, error) {
	before := -1
	var requests map[string]int
	err := every(ctx, 500*time.Millisecond, func() (bool, error) {
		var err error
		if requests, err = s.bed.Plane.Requests(ctx, "livepeertasks"); err != nil {
			return false, err
		}
		writes := controlplane.Writes(requests)
		settled := writes == before
		before = writes
		return settled, nil
	})
	return requests, err
}

// source follows the status of a source until it is as wanted. It costs the API server one watch of one object.
func (s *stage) source(ctx context.Context, wanted func(*v1alpha1.LivepeerTaskSource) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := &v1alpha1.LivepeerTaskSource{}
	for {
		watch, err := s.bed.Admin.Watch(ctx, &v1alpha1.LivepeerTaskSourceList{}, client.InNamespace(namespace),
			client.MatchingFields{"metadata.name": testbed.SourceName})
		if err != nil {
			return fmt.Errorf("the source never came to be as wanted: %w; its status: %+v", err, last.Status)
		}
		for event := range watch.ResultChan() {
			if source, ok := event.Object.(*v1alpha1.LivepeerTaskSource); ok {
				if last = source; wanted(source) {
					watch.Stop()
					return nil
				}
			}
		}
	}
}

// synced waits until all of an account is mirrored.
func (s *stage) synced(ctx context.Context, tasks int) error {
	return s.source(ctx, func(source *v1alpha1.LivepeerTaskSource) bool {
		return source.Status.ObservedGeneration == source.Generation && isReady(source) && int(source.Status.Tasks.Total) >= tasks
	})
}

func isReady(source *v1alpha1.LivepeerTaskSource) bool {
	return meta.IsStatusConditionTrue(source.Status.Conditions, v1alpha1.ConditionReady)
}

// resync asks for a full sync, and waits until it is carried through.
func (s *stage) resync(ctx context.Context) error {
	token := time.Now().Format(time.RFC3339Nano)
	if err := testbed.RequestSync(ctx, s.bed.Admin, namespace, token); err != nil {
		return err
	}
	return s.source(ctx, func(source *v1alpha1.LivepeerTaskSource) bool {
		return source.Status.LastHandledReconcileAt == token && isReady(source)
	})
}

// manifests are what a user would apply. Nothing is listed as a whole but when it is asked for.
func manifests(namespace, url string, interval time.Duration, maxTasks int) []*unstructured.Unstructured {
	return testbed.Account(namespace, map[string]any{"apiKey": livepeertest.APIKey}, map[string]any{
		"url": url, "interval": interval.String(), "resyncInterval": "24h", "history": map[string]any{"maxTasks": int64(maxTasks)},
	})
}
