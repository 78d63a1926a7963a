// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Hosts says where the API may be. The zero value permits what "*" does: any https host, and plain http to loopback.
// In any case, an internal address (see internal) has to be listed itself.
type Hosts struct {
	rules []hostRule
}

// hostRule is one entry of the list: either a name or a range of addresses is set.
type hostRule struct {
	name   string // in lower case; "*" is any https host, "*.example.com" every name below example.com
	prefix netip.Prefix
	port   string // "": any
	plain  bool   // permits plain http as well
}

const anyHost = "*"

// ParseHosts reads a comma separated list of what is permitted: names (api.example.com), all names below one
// (*.example.com), addresses (10.1.2.3), ranges of them (10.0.0.0/8), and "*" for what the empty list permits. Plain http
// is permitted only for entries with a port ([fd00::1]:8080) or with http:// (http://10.0.0.0/8), and for loopback.
func ParseHosts(list string) (Hosts, error) {
	var h Hosts
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		rule, err := parseRule(entry)
		if err != nil {
			return Hosts{}, err
		}
		h.rules = append(h.rules, rule)
	}
	if list != "" && len(h.rules) == 0 { // no rules would permit every host
		return Hosts{}, fmt.Errorf("%q names no host: leave the list out to permit any", list)
	}
	return h, nil
}

func parseRule(entry string) (hostRule, error) {
	if entry == anyHost {
		return hostRule{name: anyHost}, nil
	}
	host, plain := strings.CutPrefix(entry, "http://")
	if prefix, err := netip.ParsePrefix(host); err == nil && !prefix.Addr().Is4In6() {
		return hostRule{prefix: prefix.Masked(), plain: plain}, nil
	}
	port := ""
	if h, p, err := net.SplitHostPort(host); err == nil && !strings.Contains(p, "/") {
		host, port, plain = h, p, true
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != p {
			return hostRule{}, fmt.Errorf("%q has no valid port", entry)
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		host = strings.TrimSuffix(inner, "]")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = plainAddr(addr)
		return hostRule{prefix: netip.PrefixFrom(addr, addr.BitLen()), port: port, plain: plain}, nil
	}
	host = plainName(host)
	if !isName(strings.TrimPrefix(host, "*.")) {
		return hostRule{}, fmt.Errorf("%q is neither a host name, *.name, an IP address nor a range of them in CIDR notation, "+
			"each without a path, and without a scheme but http:// where plain http is to be permitted", entry)
	}
	return hostRule{name: host, port: port, plain: plain}, nil
}

// target is where a URL leads to.
type target struct {
	scheme, host, port string
	addr               netip.Addr // if the host is an address
}

func targetOf(u *url.URL) target {
	t := target{scheme: u.Scheme, host: plainName(u.Hostname()), port: u.Port()}
	if t.port == "" {
		t.port = map[string]string{"http": "80", "https": "443"}[t.scheme]
	}
	if addr, err := netip.ParseAddr(t.host); err == nil {
		t.addr = addr
	}
	return t
}

// check says whether the API may be at t. addr is the address to connect to; it is invalid while the host is a name that
// was not resolved yet. The error is a *ConfigError.
func (h Hosts) check(t target, addr netip.Addr) error {
	exact, addr := addr.WithZone("").Unmap(), plainAddr(addr)
	byAddr := func(r hostRule) bool { return addr.IsValid() && (r.holds(addr, t.port) || r.holds(exact, t.port)) }
	beside, also := "", "" // a new list has to hold * as well, or it would permit nothing else
	if len(h.rules) == 0 {
		beside, also = anyHost+",", ", beside * for all others"
	}
	listed := func(r hostRule) bool { return r.names(t) || byAddr(r) }
	switch {
	case h.lists(byAddr): // even if it is internal
	case !t.addr.IsValid() && !isName(t.host):
		return notAllowed("%s is not a host name in ASCII. Correct the URL; a name in another script begins with xn-- there.", t.host)
	case internal(addr), isMetadata(t.host) && !h.lists(func(r hostRule) bool { return r.name == t.host && r.names(t) }):
		return notAllowed("%s leads to an internal address, such as link-local or cloud metadata. "+
			"If that is intended, ask the cluster's administrator to list that address in --allowed-hosts"+also+".", t.host)
	case !h.lists(listed) && len(h.rules) > 0 && !h.lists(func(r hostRule) bool { return r.name == anyHost }):
		return notAllowed("%s is not among the hosts that --allowed-hosts of the operator permits. "+
			"Ask the cluster's administrator.", t.host)
	}
	if t.scheme != "https" && !t.loopback(addr) && !h.lists(func(r hostRule) bool { return r.plain && listed(r) }) {
		return notAllowed("Plain http to %[1]s is not permitted. Use https, or ask the cluster's administrator "+
			"to list "+beside+"http://%[1]s in --allowed-hosts.", t.bracketed())
	}
	return nil
}

func notAllowed(format, host string) error {
	return &ConfigError{Field: "url", Message: fmt.Sprintf(format, host)}
}

func (h Hosts) lists(match func(hostRule) bool) bool {
	return slices.ContainsFunc(h.rules, match)
}

// names reports whether the rule permits the host by its name.
func (r hostRule) names(t target) bool {
	if t.addr.IsValid() || r.name == anyHost || r.name == "" || r.port != "" && r.port != t.port {
		return false
	}
	if below, ok := strings.CutPrefix(r.name, "*"); ok {
		return strings.HasSuffix(t.host, below)
	}
	return r.name == t.host
}

// holds reports whether the rule permits an address.
func (r hostRule) holds(addr netip.Addr, port string) bool {
	return r.prefix.Contains(addr) && (r.port == "" || r.port == port)
}

// loopback reports whether t is this machine: by its address, or by its name while the address is not known yet.
func (t target) loopback(addr netip.Addr) bool {
	if addr.IsValid() {
		return addr.IsLoopback()
	}
	return t.host == "localhost" || strings.HasSuffix(t.host, ".localhost")
}

// bracketed is the host as a URL has it.
func (t target) bracketed() string {
	if strings.Contains(t.host, ":") {
		return "[" + t.host + "]"
	}
	return t.host
}

// plainName returns a name in the form in which names are compared.
func plainName(host string) string {
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// isName reports whether s is a host name in lower case. One that ends in a number is an odd way to write an address,
// which some resolvers and proxies understand.
func isName(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(s) <= 253 && strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}
