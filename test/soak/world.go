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

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	sourceName = "main"
	secretName = "livepeer"

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
	log      *os.File // of the control plane
	writes   *os.File // of the ledger
	plane    *controlplane.ControlPlane
	admin    client.WithWatch
	sites    []*site
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
	if w.log, err = os.Create(filepath.Join(w.dir, "controlplane.log")); err != nil {
		return err
	}
	if w.writes, err = os.Create(filepath.Join(w.dir, "writes.log")); err != nil {
		return err
	}
	if w.plane, err = controlplane.Start(ctx, controlplane.Options{Output: w.log}); err != nil {
		return err
	}
	// Without the binding of the admission policy people can edit tasks, as in a cluster that does not have it.
	if err := w.plane.Install(ctx, "ValidatingAdmissionPolicyBinding"); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	config := w.plane.Config()
	config.QPS = -1
	if w.admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	w.witness = newWitness(w.report, w.alive)
	w.witness.start(w.admin)
	for i, size := range []int{w.opts.tasks, w.opts.tasks / 8} {
		s := &site{
			namespace: fmt.Sprintf("media-%d", i+1),
			studio:    startStudio(size, w.opts.seed+uint64(i), w.report),
		}
		w.sites = append(w.sites, s)
		if err := w.plane.Apply(ctx, manifests(s)...); err != nil {
			return err
		}
	}
	return w.prepareReplicas(ctx)
}

func (w *world) prepareReplicas(ctx context.Context) error {
	api, err := w.plane.ServiceAccountConfig(ctx, controlplane.SystemNamespace, controlplane.ServiceAccount)
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
		path := filepath.Join(w.dir, "operator-"+name+".kubeconfig")
		if err := controlplane.WriteKubeconfig(path, proxy.config(api), controlplane.SystemNamespace); err != nil {
			return err
		}
		w.replicas = append(w.replicas, &replica{
			name: name, binary: w.opts.manager, kubeconfig: path, dir: w.dir, proxy: proxy, report: w.report, inTrouble: w.inTrouble,
		})
	}
	return nil
}

// clear ends what raise started, the last first, and removes what holds credentials, and the rest as well unless keep.
func (w *world) clear(keep bool) error {
	var errs []error
	for _, r := range w.replicas {
		r.stop()
	}
	for _, p := range w.proxies {
		p.stop()
	}
	for _, s := range w.sites {
		s.studio.stop()
	}
	if w.witness != nil {
		w.witness.stop()
	}
	if w.plane != nil {
		errs = append(errs, w.plane.Stop())
	}
	for _, file := range []*os.File{w.log, w.writes} {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	if !keep {
		return errors.Join(append(errs, os.RemoveAll(w.dir))...)
	}
	for _, name := range []string{"operator-a.kubeconfig", "operator-b.kubeconfig", "certificates"} {
		errs = append(errs, os.RemoveAll(filepath.Join(w.dir, name)))
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

// manifests are what a user would apply.
func manifests(s *site) []*unstructured.Unstructured {
	return []*unstructured.Unstructured{
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": s.namespace},
		}},
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": secretName, "namespace": s.namespace},
			"stringData": map[string]any{"apiKey": livepeertest.APIKey},
		}},
		sourceManifest(s),
	}
}

func sourceManifest(s *site) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "LivepeerTaskSource",
		"metadata": map[string]any{"name": sourceName, "namespace": s.namespace},
		"spec": map[string]any{
			"url": s.studio.url, "secretRef": map[string]any{"name": secretName},
			"interval": interval, "resyncInterval": resyncInterval, "timeout": timeout,
		},
	}}
}
