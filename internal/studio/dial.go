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

// newDialer returns a dialer for the API at u. It checks every address right before connecting, since a
// name can resolve differently each time. With a proxy, it connects to the proxy without a check: whoever
// runs the operator has chosen that, and the proxy resolves the API's name.
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
