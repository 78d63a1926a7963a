// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// RestartAPIServer stops the API server, leaves it down for that long, and starts it again: on the same port, over the
// same etcd, with the same certificates, so that every configuration and token stays valid. It starts it again also
// where ctx ends meanwhile. keep is a folder of the caller's, the same one for every restart, that holds the
// certificates from the first restart on; it must be there until Stop.
func (c *ControlPlane) RestartAPIServer(ctx context.Context, keep string, down time.Duration) error {
	return c.withoutAPIServer(keep, func() error {
		pause := time.NewTimer(down)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		return nil
	})
}

// withoutAPIServer stops the API server, calls f, and starts it again, whatever f returns.
func (c *ControlPlane) withoutAPIServer(keep string, f func() error) error {
	server := c.env.ControlPlane.APIServer
	if server.CertDir != keep {
		// To stop the server removes its own folder, and a new one would have other certificates.
		if err := os.CopyFS(keep, os.DirFS(server.CertDir)); err != nil {
			return fmt.Errorf("keep the certificates of the API server: %w", err)
		}
	}
	if err := server.Stop(); err != nil {
		return fmt.Errorf("stop the API server: %w", err)
	}
	server.CertDir = keep

	err := f()
	if again := server.Start(); again != nil {
		return errors.Join(err, fmt.Errorf("start the API server again: %w", again))
	}
	return err
}
