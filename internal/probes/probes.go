// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// maxHeader bounds the header of a request, in bytes; net/http adds 4 KiB. A kubelet's has 100. As many short fields as fit into a
	// megabyte take 16 MB.
	maxHeader = 1 << 10
	timeout   = 5 * time.Second
	// idle is longer than the usual period of probes.
	idle = 30 * time.Second
)

// probed is a manager whose checks are served here, and not by itself.
type probed struct {
	ctrl.Manager

	live, ready map[string]healthz.Checker
}

// AddHealthzCheck adds a check of whether the process lives.
func (p probed) AddHealthzCheck(name string, check healthz.Checker) error {
	p.live[name] = check
	return nil
}

// AddReadyzCheck adds a check of whether it is ready.
func (p probed) AddReadyzCheck(name string, check healthz.Checker) error {
	p.ready[name] = check
	return nil
}

// Serve returns a manager whose checks are served at an address, "0" or "" for none, once it is started. All checks have to be added
// before that.
func Serve(ctx context.Context, mgr ctrl.Manager, address string) (ctrl.Manager, error) {
	p := probed{mgr, map[string]healthz.Checker{}, map[string]healthz.Checker{}}
	if address == "" || address == "0" {
		return p, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("health probes: %w", err)
	}
	mux := http.NewServeMux()
	for path, checks := range map[string]map[string]healthz.Checker{"/healthz": p.live, "/readyz": p.ready} {
		handler := http.StripPrefix(path, &healthz.Handler{Checks: checks})
		mux.Handle(path, handler)
		mux.Handle(path+"/", handler)
	}
	return p, mgr.Add(&manager.Server{
		Name: "health probe", Listener: newConnections(listener),
		Server: &http.Server{
			Handler: mux, MaxHeaderBytes: maxHeader, ReadTimeout: timeout, WriteTimeout: timeout, IdleTimeout: idle,
		},
	})
}
