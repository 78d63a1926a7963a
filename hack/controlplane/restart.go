// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"os"
	"time"
)

// RestartAPIServer stops the API server, leaves it down for that long, and starts it again: on the same port, over the
// same etcd, with the same certificates, so that every configuration and token stays valid. It starts it again also
// where ctx ends meanwhile. keep is a folder of the caller's, the same one for every restart, that holds the
// certificates from the first restart on; it must be there until Stop.
func (c *ControlPlane) RestartAPIServer(ctx context.Context, keep string, down time.Duration) error {
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

	pause := time.NewTimer(down)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start the API server again: %w", err)
	}
	return nil
}
