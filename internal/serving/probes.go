// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"net/http"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
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

// Probes returns a manager whose checks are served at an address, "0" or "" for none, once it is started. All checks have to be added
// before that.
func Probes(ctx context.Context, mgr ctrl.Manager, address string) (ctrl.Manager, error) {
	p := probed{mgr, map[string]healthz.Checker{}, map[string]healthz.Checker{}}
	if address == "" || address == "0" {
		return p, nil
	}
	listener, err := listen(ctx, "health probes", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for path, checks := range map[string]map[string]healthz.Checker{"/healthz": p.live, "/readyz": p.ready} {
		handler := http.StripPrefix(path, &healthz.Handler{Checks: checks})
		mux.Handle(path, handler)
		mux.Handle(path+"/", handler)
	}
	return p, mgr.Add(server("health probe", listener, working(mux)))
}
