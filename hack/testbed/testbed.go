// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// ControlPlaneLog is what kube-apiserver and etcd print, in the folder of Options.
const ControlPlaneLog = "controlplane.log"

// Options of Start.
type Options struct {
	// Dir is an existing folder, which is the caller's: logs stay there after Stop.
	Dir string
	// LeaveOut are kinds of config/default that are not installed.
	LeaveOut []string
}

// Testbed is a running control plane with the operator's CRDs, rights and ServiceAccount.
type Testbed struct {
	Plane *controlplane.ControlPlane
	// Admin may do everything, knows the operator's kinds only, and is not slowed down.
	Admin client.WithWatch

	log     *os.File
	private string // folder of what holds credentials
}

// Start starts a control plane and installs config/default. The caller stops it.
func Start(ctx context.Context, opts Options) (*Testbed, error) {
	b := &Testbed{private: filepath.Join(opts.Dir, "private")}
	if err := b.start(ctx, opts); err != nil {
		return nil, errors.Join(err, b.Stop())
	}
	return b, nil
}

func (b *Testbed) start(ctx context.Context, opts Options) (err error) {
	if err := os.Mkdir(b.private, 0o700); err != nil {
		return err
	}
	if b.log, err = os.Create(filepath.Join(opts.Dir, ControlPlaneLog)); err != nil {
		return err
	}
	if b.Plane, err = controlplane.Start(ctx, controlplane.Options{Output: b.log, Data: b.Private("etcd")}); err != nil {
		return err
	}
	if err := b.Plane.Install(ctx, opts.LeaveOut...); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	config := b.Plane.Config()
	config.QPS = -1
	if b.Admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	return nil
}

// Stop ends the control plane, and removes what Private holds.
func (b *Testbed) Stop() error {
	var errs []error
	if b.Plane != nil {
		errs = append(errs, b.Plane.Stop())
	}
	if b.log != nil {
		errs = append(errs, b.log.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(b.private))...)
}

// Private is the path of a file or folder that Stop removes: it may hold credentials.
func (b *Testbed) Private(name string) string {
	return filepath.Join(b.private, name)
}

// OperatorConfig is that of the operator's ServiceAccount.
func (b *Testbed) OperatorConfig(ctx context.Context) (*rest.Config, error) {
	return b.Plane.ServiceAccountConfig(ctx, controlplane.SystemNamespace, controlplane.ServiceAccount)
}

// Kubeconfig writes a file in Private that says what config says, and returns its path.
func (b *Testbed) Kubeconfig(name string, config *rest.Config, namespace string) (string, error) {
	path := b.Private(name + ".kubeconfig")
	return path, controlplane.WriteKubeconfig(path, config, namespace)
}
