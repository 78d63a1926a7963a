// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// newDialer makes what connects to the API at u. Every address is checked as it is about to be connected to: what a
// name means can change from one look-up to the next. Where there is a proxy, the proxy is connected to, which whoever
// runs the operator has chosen, and it is the proxy that looks up the API's name.
func newDialer(u *url.URL, hosts Hosts, timeout time.Duration) *net.Dialer {
	dialer := &net.Dialer{Timeout: timeout}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); proxy != nil || err != nil {
		return dialer
	}
	t := targetOf(u)
	dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return hosts.check(t, to.Addr())
	}
	return dialer
}
