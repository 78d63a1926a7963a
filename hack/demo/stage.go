// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/freeport"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

// namespace is where the tasks appear.
const namespace = "media"

// stage is all that the demonstration starts. Its parts are nil until they run.
type stage struct {
	dir        string
	out        *os.File // for the person who watches
	bed        *testbed.Testbed
	kubeconfig string  // for the person who watches
	studio     *studio // nil also where a real account is mirrored
	receiver   string  // where the operator listens for webhooks; empty: nowhere
	observer   *observer
	operator   *testbed.Operator
}

// raise starts everything. What was started before an error is for clear to end.
func (s *stage) raise(ctx context.Context, opts options) (err error) {
	fmt.Fprintln(s.out, "Starting etcd and kube-apiserver, and installing CRDs and rights from config/default ...")
	if s.bed, err = testbed.Start(ctx, testbed.Options{Dir: s.dir}); err != nil {
		return err
	}
	if s.kubeconfig, err = s.bed.Kubeconfig("admin", s.bed.Plane.Config(), namespace); err != nil {
		return err
	}
	source := account{url: "https://livepeer.studio/api", key: opts.apiKey}
	if source.key == "" {
		if s.receiver, err = freeport.Address(ctx); err != nil {
			return err
		}
		s.studio = startStudio()
		source = s.studio.account
	}
	if s.observer, err = startObserver(ctx, s.bed.Plane.Config(), s.pushTo); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "Mirroring", source.url, "into the namespace", namespace, "...")
	if err := s.bed.Plane.Apply(ctx, manifests(source)...); err != nil {
		return err
	}
	return s.runOperator(ctx, opts.manager)
}

func (s *stage) runOperator(ctx context.Context, manager string) error {
	config, err := s.bed.OperatorConfig(ctx)
	if err != nil {
		return err
	}
	kubeconfig, err := s.bed.Kubeconfig("operator", config, controlplane.SystemNamespace)
	if err != nil {
		return err
	}
	if manager == "" {
		root, err := controlplane.RepoRoot()
		if err != nil {
			return err
		}
		manager = filepath.Join(root, "bin", "manager")
	}
	// Ctrl-C ends it only through clear, so that what it does last still finds the others.
	s.operator, err = testbed.StartOperator(context.WithoutCancel(ctx), testbed.OperatorOptions{
		Binary: manager, Kubeconfig: kubeconfig, Log: s.operatorLog(), Receiver: s.receiver,
	})
	return err
}

func (s *stage) operatorLog() string {
	return filepath.Join(s.dir, "operator.log")
}

// clear ends what raise started, the last first, and keeps only the operator's log.
func (s *stage) clear() error {
	var errs []error
	if s.operator != nil {
		s.operator.Stop()
	}
	if s.observer != nil {
		s.observer.stop()
	}
	if s.studio != nil {
		s.studio.Stop()
	}
	if s.bed != nil {
		errs = append(errs, s.bed.Stop())
	}
	if s.operator == nil {
		return errors.Join(append(errs, os.RemoveAll(s.dir))...)
	}
	return errors.Join(append(errs, os.Remove(filepath.Join(s.dir, testbed.ControlPlaneLog)))...)
}

// manifests are what a user would apply. The simulated Studio pushes, and tasks live quickly there.
func manifests(from account) []*unstructured.Unstructured {
	secret, spec := map[string]any{"apiKey": from.key}, map[string]any{"url": from.url}
	if from.webhookSecret != "" {
		spec["resyncInterval"] = "15s"
		secret["webhookSecret"] = from.webhookSecret
	}
	return testbed.Account(namespace, secret, spec)
}
