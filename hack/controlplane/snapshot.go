// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"os"
)

// TakeSnapshot copies etcd's data into the new folder to, while neither etcd nor the API server runs, and starts both again. keep is as
// for RestartAPIServer. It takes Options.Data.
func (c *ControlPlane) TakeSnapshot(keep, to string) error {
	return c.withoutEtcd(keep, func(data string) error { return os.CopyFS(to, os.DirFS(data)) })
}

// RestoreSnapshot makes the cluster what it was when the snapshot was taken: the same certificates, ports and tokens, and the
// objects and resource versions of then.
func (c *ControlPlane) RestoreSnapshot(keep, from string) error {
	return c.withoutEtcd(keep, func(data string) error {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
		return os.CopyFS(data, os.DirFS(from))
	})
}

// withoutEtcd stops the API server and etcd, calls f with etcd's folder, and starts both again.
func (c *ControlPlane) withoutEtcd(keep string, f func(data string) error) error {
	etcd := c.env.ControlPlane.Etcd
	return c.withoutAPIServer(keep, func() error {
		if err := etcd.Stop(); err != nil {
			return fmt.Errorf("stop etcd: %w", err)
		}
		return errors.Join(f(etcd.DataDir), etcd.Start())
	})
}
