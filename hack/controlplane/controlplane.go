// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a Kubernetes control plane (kube-apiserver and etcd) on loopback for tests, demo and
// benchmark, with the project's CRDs installed and RBAC enforced. There is no controller manager: owner references
// delete nothing, and aggregated roles stay apart.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/livepeer/livepeer-task-operator/hack/freeport"
)

// Both processes start within seconds, and stop within some more; the rest is for a machine that is busy with other things.
const (
	startTimeout = 3 * time.Minute
	stopTimeout  = 45 * time.Second
)

// Options of Start. The zero value is usable.
type Options struct {
	// Output receives what kube-apiserver and etcd log. Nil: nothing does.
	Output io.Writer
	// Data is a folder of the caller's, or one that is to be made, where etcd keeps its data, so that it can be copied. Empty: one
	// that Stop removes.
	Data string
	// Flags are more flags of kube-apiserver, without their dashes.
	Flags map[string]string
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	env     *envtest.Environment
	root    string
	kubectl string
	client  client.Client
}

// Start starts a control plane and installs the CRDs of config/crd/bases. The caller stops it. The binaries come from
// the folder that the environment variable KUBEBUILDER_ASSETS names, else from bin/controlplane; the error is a
// *MissingBinaryError where they are missing.
func Start(ctx context.Context, opts Options) (*ControlPlane, error) {
	root, err := RepoRoot()
	if err != nil {
		return nil, err
	}
	bin, err := findBinaries(root)
	if err != nil {
		return nil, err
	}

	env := &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  stopTimeout,
	}
	env.ControlPlane.APIServer = &envtest.APIServer{Path: bin.apiServer, Out: opts.Output, Err: opts.Output}
	// Else open watches hold the API server up for a minute when it is to stop.
	env.ControlPlane.APIServer.Configure().Set("shutdown-watch-termination-grace-period", "1s")
	for name, value := range opts.Flags {
		env.ControlPlane.APIServer.Configure().Set(name, value)
	}
	env.ControlPlane.Etcd = &envtest.Etcd{Path: bin.etcd, DataDir: opts.Data, Out: opts.Output, Err: opts.Output}
	// Else etcd takes 2 GB, which is half a million tasks.
	env.ControlPlane.Etcd.Configure().Set("quota-backend-bytes", "8589934592")

	if err := listenOn(ctx, env); err != nil {
		return nil, err
	}

	cp := &ControlPlane{env: env, root: root, kubectl: bin.kubectl}
	if _, err := env.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the control plane: %w", err), cp.Stop())
	}
	if cp.client, err = client.New(env.Config, client.Options{Scheme: runtime.NewScheme()}); err != nil {
		return nil, errors.Join(fmt.Errorf("make a client: %w", err), cp.Stop())
	}
	// Starting cannot be interrupted, but the caller need not wait for what comes after it.
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, cp.Stop())
	}
	return cp, nil
}

// listenOn chooses the ports on which others reach both processes: envtest would take some that kernels give to outgoing
// connections, try the same ones again where they are taken, and a server could not be started again.
func listenOn(ctx context.Context, env *envtest.Environment) error {
	etcd, err := freeport.Address(ctx)
	if err != nil {
		return fmt.Errorf("a port for etcd: %w", err)
	}
	env.ControlPlane.Etcd.URL = &url.URL{Scheme: "http", Host: etcd}
	server, err := freeport.Address(ctx)
	if err != nil {
		return fmt.Errorf("a port for the API server: %w", err)
	}
	serving := &env.ControlPlane.APIServer.SecureServing
	serving.Address, serving.Port, err = net.SplitHostPort(server)
	return err
}

// Stop ends both processes and removes their data.
func (c *ControlPlane) Stop() error {
	if err := c.env.Stop(); err != nil {
		return fmt.Errorf("stop the control plane: %w", err)
	}
	return nil
}

// Config returns a copy of the configuration of an administrator, who may do everything.
func (c *ControlPlane) Config() *rest.Config {
	return rest.CopyConfig(c.env.Config)
}

// Etcd returns the URL of etcd, which asks nobody who they are.
func (c *ControlPlane) Etcd() string {
	return c.env.ControlPlane.Etcd.URL.String()
}

// SigningKey returns the path of the key that signs tokens of ServiceAccounts, which a controller manager is given.
func (c *ControlPlane) SigningKey() string {
	return filepath.Join(c.env.ControlPlane.APIServer.CertDir, "sa-signer.key")
}

// Kubectl returns the path of a kubectl.
func (c *ControlPlane) Kubectl() string {
	return c.kubectl
}
