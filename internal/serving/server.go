// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/livepeer/livepeer-task-operator/internal/connections"
)

const (
	// maxHeader bounds the header of a request, in bytes; net/http adds 4 KiB. It has room for the longest bearer token. As many short
	// fields as fit into a megabyte take 16 MB.
	maxHeader   = 16 << 10
	readTimeout = 5 * time.Second
	// writeTimeout has room for the metrics of thousands of sources.
	writeTimeout = time.Minute
	// idleTimeout is longer than the usual period of probes and scrapes.
	idleTimeout = 90 * time.Second
	// maxConnections bounds the open connections. Kubelets and those who read metrics have a few, and each for a moment.
	maxConnections = 64
)

// listen listens at an address within bounds.
func listen(ctx context.Context, name, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return connections.Bound(listener, maxConnections, maxConnections), nil
}

// working keeps the connection of a request while handler answers it: others that are silent make room, and not it.
func working(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := connections.Of(r.Context())
		if !conn.Work() {
			return
		}
		defer conn.Rest()
		handler.ServeHTTP(w, r)
	})
}

// server returns a server for a manager, which runs whoever leads, and before anything else.
func server(name string, listener net.Listener, handler http.Handler) *manager.Server {
	return &manager.Server{
		Name: name, Listener: listener,
		Server: &http.Server{
			Handler: handler, MaxHeaderBytes: maxHeader, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			ConnContext: connections.Context,
		},
	}
}
