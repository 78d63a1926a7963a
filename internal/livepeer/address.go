// SPDX-License-Identifier: Apache-2.0

package livepeer

import (
	"net/netip"
	"slices"
)

// internalRanges are addresses that lead into a machine, its network or its cloud, never to an API: nothing there is
// protected from requests that come from inside. Loopback and private networks are not among them, since that is
// where an own Studio may be.
func internalRanges() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),          // this machine, by another name
		netip.MustParsePrefix("169.254.0.0/16"),     // link-local; metadata of most clouds
		netip.MustParsePrefix("100.100.100.200/32"), // metadata of Alibaba Cloud
		netip.MustParsePrefix("168.63.129.16/32"),   // the host of a virtual machine in Azure
		netip.MustParsePrefix("192.0.0.0/24"),       // protocol assignments; metadata of Oracle Cloud
		netip.MustParsePrefix("224.0.0.0/3"),        // multicast, reserved and broadcast
		netip.MustParsePrefix("::/128"),             // this machine, by another name
		netip.MustParsePrefix("fe80::/10"),          // link-local
		netip.MustParsePrefix("fd00:ec2::/32"),      // metadata of AWS
		netip.MustParsePrefix("fd20:ce::254/128"),   // metadata of Google Cloud
		netip.MustParsePrefix("ff00::/8"),           // multicast
	}
}

// metadataNames are the names under which clouds offer metadata. A proxy would look them up where nothing is checked.
func metadataNames() []string {
	return []string{"metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal"}
}

// internal reports whether addr is in one of internalRanges.
func internal(addr netip.Addr) bool {
	return slices.ContainsFunc(internalRanges(), func(p netip.Prefix) bool { return p.Contains(addr) })
}

// plainAddr is how addresses are compared: without a zone, and as IPv4 where an IPv6 address stands for one, as mapped
// (::ffff:0:0/96) and translated (64:ff9b::/96) addresses do.
func plainAddr(addr netip.Addr) netip.Addr {
	addr = addr.WithZone("").Unmap()
	if netip.MustParsePrefix("64:ff9b::/96").Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}
