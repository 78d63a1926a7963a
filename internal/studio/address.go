// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"net/netip"
	"slices"
	"strings"

	"code.dny.dev/ssrf"
)

// privateRanges are not on the internet, but a Studio of one's own may be there.
func privateRanges() (v4, v6 []netip.Prefix) {
	return []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"),
			netip.MustParsePrefix("100.64.0.0/10"), // of providers, and of pods in some clusters
			netip.MustParsePrefix("127.0.0.0/8"),
			netip.MustParsePrefix("172.16.0.0/12"),
			netip.MustParsePrefix("192.168.0.0/16"),
		}, []netip.Prefix{
			netip.MustParsePrefix("::1/128"),
			netip.MustParsePrefix("fc00::/7"),
		}
}

// cloudRanges lead to a cloud's own services, though they lie within private ranges or on the internet.
func cloudRanges() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("100.100.100.200/32"),    // metadata of Alibaba Cloud
		netip.MustParsePrefix("168.63.129.16/32"),      // the host of a virtual machine in Azure
		netip.MustParsePrefix("fd00:ec2::/32"),         // metadata and more of AWS
		netip.MustParsePrefix("fd20:ce::254/128"),      // metadata of Google Cloud
		netip.MustParsePrefix("fd00:c1::/32"),          // metadata of Oracle Cloud
		netip.MustParsePrefix("fd00:42::42/128"),       // metadata of Scaleway
		netip.MustParsePrefix("fd00:a9fe:a9fe::1/128"), // metadata of Akamai (Linode)
	}
}

// internal reports whether addr leads into a machine, its network or its cloud, or by translation into another kind of
// network. No API is there, and nothing there is protected from requests from inside. IANA's registries say what is on the
// internet: not link-local, multicast, reserved and unspecified addresses, nor IPv6 addresses that stand for an IPv4
// address in a way that plainAddr does not know (6to4, Teredo, local NAT64, SIIT).
func internal(addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	v4, v6 := privateRanges()
	ofInternet := ssrf.New(ssrf.WithAnyNetwork(), ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	return ofInternet.SafeAddr(addr) != nil ||
		slices.ContainsFunc(cloudRanges(), func(p netip.Prefix) bool { return p.Contains(addr) })
}

// isMetadata reports whether a cloud offers its metadata under this name. A proxy would resolve it, and check nothing.
func isMetadata(host string) bool {
	first, rest, _ := strings.Cut(host, ".")
	if (rest == "" || rest == "internal" || strings.HasSuffix(rest, ".internal")) &&
		slices.Contains([]string{"metadata", "instance-data", "rancher-metadata"}, first) {
		return true // of Google Cloud, Azure, AWS (in each region) and Rancher
	}
	return slices.ContainsFunc([]string{
		"metadata.google.internal", "metadata.goog", "metadata.azure.com", "metadata.tencentyun.com", "api.metadata.cloud.ibm.com",
		"metadata.packet.net", "metadata.platformequinix.com",
	}, func(name string) bool { return host == name || strings.HasSuffix(host, "."+name) })
}

// plainAddr is how addresses are compared: without a zone, and as IPv4 where an IPv6 address stands for one, as mapped
// (::ffff:0:0/96) and translated (64:ff9b::/96, which IPv6-only clusters need) addresses do. But an internal address behind a
// translation belongs to the machine that translates: that is neither this machine nor what somebody listed.
func plainAddr(addr netip.Addr) netip.Addr {
	addr = addr.WithZone("").Unmap()
	if !ssrf.IPv6NAT64Prefix.Contains(addr) {
		return addr
	}
	b := addr.As16()
	behind := netip.AddrFrom4([4]byte(b[12:]))
	if behind.IsLoopback() || internal(behind) {
		return addr
	}
	return behind
}
