// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const (
	// Where the tasks appear.
	namespace  = "media"
	sourceName = "main"
	secretName = "livepeer"

	adminKubeconfig    = "kubeconfig"
	operatorKubeconfig = "operator.kubeconfig"
)

// stage is all that the demonstration starts. Its parts are nil until they run.
type stage struct {
	dir      string
	out      *os.File // for the person who watches
	log      *os.File // of the control plane
	plane    *controlplane.ControlPlane
	studio   *studio // nil also where a real account is mirrored
	receiver string  // where the operator listens for webhooks; 0: nowhere
	observer *observer
	operator *operator
}

// raise starts everything. What was started before an error is for clear to end.
func (s *stage) raise(ctx context.Context, opts options) (err error) {
	if s.log, err = os.Create(filepath.Join(s.dir, "controlplane.log")); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "Starting etcd and kube-apiserver ...")
	if s.plane, err = controlplane.Start(ctx, controlplane.Options{Output: s.log}); err != nil {
		return err
	}
	if err := s.writeKubeconfig(adminKubeconfig, s.plane.Config(), namespace); err != nil {
		return err
	}

	source := account{url: "https://livepeer.studio/api", key: opts.apiKey}
	s.receiver = "0"
	if source.key == "" {
		if s.receiver, err = freeAddress(ctx); err != nil {
			return err
		}
		s.studio = startStudio()
		source = s.studio.account
	}
	fmt.Fprintln(s.out, "Installing the CRDs, the operator's namespace and its rights from config/default ...")
	if err := s.plane.Install(ctx); err != nil {
		return err
	}
	if s.observer, err = startObserver(ctx, s.plane.Config(), s.pushTo); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "Mirroring", source.url, "into the namespace", namespace, "...")
	if err := s.plane.Apply(ctx, manifests(source)...); err != nil {
		return err
	}
	return s.runOperator(ctx, opts.manager)
}

func (s *stage) runOperator(ctx context.Context, manager string) error {
	config, err := s.plane.ServiceAccountConfig(ctx, controlplane.SystemNamespace, controlplane.ServiceAccount)
	if err != nil {
		return err
	}
	if err := s.writeKubeconfig(operatorKubeconfig, config, controlplane.SystemNamespace); err != nil {
		return err
	}
	if manager == "" {
		root, err := controlplane.RepoRoot()
		if err != nil {
			return err
		}
		manager = filepath.Join(root, "bin", "manager")
	}
	s.operator, err = startOperator(manager, filepath.Join(s.dir, operatorKubeconfig), s.receiver, s.operatorLog())
	return err
}

func (s *stage) writeKubeconfig(name string, config *rest.Config, namespace string) error {
	return controlplane.WriteKubeconfig(filepath.Join(s.dir, name), config, namespace)
}

func (s *stage) operatorLog() string {
	return filepath.Join(s.dir, "operator.log")
}

// clear ends what raise started, the last first, and keeps only the operator's log.
func (s *stage) clear() error {
	var errs []error
	if s.operator != nil {
		s.operator.stop()
	}
	if s.observer != nil {
		s.observer.stop()
	}
	if s.studio != nil {
		s.studio.stop()
	}
	if s.plane != nil {
		errs = append(errs, s.plane.Stop())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.operator == nil {
		return errors.Join(append(errs, os.RemoveAll(s.dir))...)
	}
	for _, name := range []string{adminKubeconfig, operatorKubeconfig, "controlplane.log", "kubectl-cache"} {
		errs = append(errs, os.RemoveAll(filepath.Join(s.dir, name)))
	}
	return errors.Join(errs...)
}

// manifests are what a user would apply. The simulated Studio pushes, and tasks live quickly there.
func manifests(from account) []*unstructured.Unstructured {
	meta := func(name string) map[string]any { return map[string]any{"name": name, "namespace": namespace} }
	spec := map[string]any{"url": from.url, "secretRef": map[string]any{"name": secretName}}
	secret := map[string]any{"apiKey": from.key}
	if from.webhookSecret != "" {
		spec["resyncInterval"] = "15s"
		secret["webhookSecret"] = from.webhookSecret
	}
	return []*unstructured.Unstructured{
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace},
		}},
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": meta(secretName), "stringData": secret,
		}},
		{Object: map[string]any{
			"apiVersion": "studio.livepeer.org/v1alpha1", "kind": "LivepeerTaskSource", "metadata": meta(sourceName), "spec": spec,
		}},
	}
}
