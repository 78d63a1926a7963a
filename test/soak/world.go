// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	interval       = "1s"
	resyncInterval = "3s" // often: deletions come from full syncs
	timeout        = "3s"
	// A replica that starts, or waits for an answer, notices a trouble of the API server after it is over.
	aftermath = 30 * time.Second
)

// site is a namespace with a source and the Studio that it mirrors.
type site struct {
	namespace string
	studio    *studio
}

// world is all that the soak starts. Its parts are nil until they run.
type world struct {
	opts     options
	dir      string
	report   *report
	rand     *rand.Rand
	writes   *os.File // of the ledger
	bed      *testbed.Testbed
	sites    []*site
	silent   *silentServer
	witness  *witness
	ledger   *ledger
	replicas []*replica
	proxies  []*apiProxy
	pair     bool
	rounds   int
	trouble  atomic.Int64 // until when, in nanoseconds, the API server's troubles last
}

// raise starts everything but the operator. What was started before an error is for clear to end.
func (w *world) raise(ctx context.Context) (err error) {
	if w.writes, err = os.Create(filepath.Join(w.dir, "writes.log")); err != nil {
		return err
	}
	// Without the binding of the admission policy people can edit tasks, as in a cluster that does not have it.
	w.bed, err = testbed.Start(ctx, testbed.Options{Dir: w.dir, LeaveOut: []string{"ValidatingAdmissionPolicyBinding"}})
	if err != nil {
		return err
	}
	w.witness = newWitness(w.report, w.alive)
	w.witness.start(w.bed.Admin)
	for i, size := range []int{w.opts.tasks, w.opts.tasks / 8} {
		s := &site{
			namespace: fmt.Sprintf("media-%d", i+1),
			studio:    startStudio(size, w.opts.seed+uint64(i), w.report),
		}
		w.sites = append(w.sites, s)
		objects := testbed.Account(s.namespace, map[string]any{"apiKey": livepeertest.APIKey}, s.spec())
		if err := w.bed.Plane.Apply(ctx, objects...); err != nil {
			return err
		}
	}
	if err := w.moveIn(ctx, w.opts.hanging); err != nil {
		return err
	}
	return w.prepareReplicas(ctx)
}

func (w *world) prepareReplicas(ctx context.Context) error {
	api, err := w.bed.OperatorConfig(ctx)
	if err != nil {
		return err
	}
	w.ledger = &ledger{report: w.report, log: w.writes}
	for i, name := range []string{"a", "b"} {
		proxy, err := startAPIProxy(name, api, w.opts.seed+uint64(i), w.ledger, w.report)
		if err != nil {
			return err
		}
		w.proxies = append(w.proxies, proxy)
		path, err := w.bed.Kubeconfig("operator-"+name, proxy.config(api), controlplane.SystemNamespace)
		if err != nil {
			return err
		}
		w.replicas = append(w.replicas, &replica{
			name: name, binary: w.opts.manager, kubeconfig: path, dir: w.dir, proxy: proxy, report: w.report, inTrouble: w.inTrouble,
		})
	}
	return nil
}

// clear ends what raise started, the last first, and removes the logs unless keep.
func (w *world) clear(keep bool) error {
	var errs []error
	for _, r := range w.replicas {
		r.stop()
	}
	for _, p := range w.proxies {
		p.stop()
	}
	for _, s := range w.sites {
		s.studio.web.Stop()
	}
	if w.silent != nil {
		w.silent.stop()
	}
	if w.witness != nil {
		w.witness.stop()
	}
	if w.bed != nil {
		errs = append(errs, w.bed.Stop())
	}
	if w.writes != nil {
		errs = append(errs, w.writes.Close())
	}
	if !keep {
		errs = append(errs, os.RemoveAll(w.dir))
	}
	return errors.Join(errs...)
}

// alive reports whether the task with that ID is in the account that a namespace mirrors.
func (w *world) alive(namespace, id string) bool {
	for _, s := range w.sites {
		if s.namespace == namespace {
			return s.studio.alive(id)
		}
	}
	return false
}

// troubled says that the API server is out of order now, as a replica sees it.
func (w *world) troubled() {
	w.trouble.Store(time.Now().Add(aftermath).UnixNano())
}

func (w *world) inTrouble() bool { return time.Now().UnixNano() < w.trouble.Load() }

// spec is that of a site's source.
func (s *site) spec() map[string]any {
	return map[string]any{"url": s.studio.web.URL, "interval": interval, "resyncInterval": resyncInterval, "timeout": timeout}
}
