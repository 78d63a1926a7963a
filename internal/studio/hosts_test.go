// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// TestHosts: the list decides where the API may be. What the message says is what somebody has to do about it.
func TestHosts(t *testing.T) {
	const list, plain, inside, ascii = "not among the hosts that --allowed-hosts", "Use https", "list that address in --allowed-hosts", "xn--"
	for _, tt := range []struct{ allowed, url, refused string }{
		// Any https host, and http to loopback.
		{"", "https://livepeer.studio/api", ""},
		{"", "https://livepeer.studio./api", ""},
		{"", "HTTPS://LIVEPEER.STUDIO:8443", ""},
		{"", "https://10.1.2.3", ""},
		{"", "https://[fd00::1]:8443/api", ""},
		{"", "https://studio", ""},
		{"", "http://127.0.0.1:9797/api", ""},
		{"", "http://127.9.9.9", ""},
		{"", "http://[::1]:9797/api", ""},
		{"", "http://[::ffff:127.0.0.1]/", ""},
		{"", "http://localhost:9797/api", ""},
		{"", "http://studio.localhost", ""},
		{"", "http://livepeer.studio/api", plain},
		{"", "http://studio.media.svc", plain},
		{"", "http://10.1.2.3", plain},
		{"", "http://localhost.example.com", plain},
		{"", "http://xlocalhost", plain},
		// Never, unless listed.
		{"", "http://169.254.169.254/latest/meta-data", inside},
		{"", "https://169.254.169.254", inside},
		{"", "https://169.254.169.254.", inside},
		{"", "https://[::ffff:169.254.169.254]", inside},
		{"", "https://[::ffff:a9fe:a9fe]", inside},
		{"", "https://[64:ff9b::a9fe:a9fe]", inside},
		{"", "https://[fe80::1]", inside},
		{"", "https://[fe80::1%25eth0]", inside},
		{"", "https://[fd00:ec2::254]", inside},
		{"", "https://[fd20:ce::254]", inside},
		{"", "https://100.100.100.200", inside},
		{"", "https://168.63.129.16", inside},
		{"", "https://192.0.0.192", inside},
		{"", "https://0.0.0.0", inside},
		{"", "http://0.0.0.0:8080", inside},
		{"", "https://[::]", inside},
		{"", "https://[::ffff:0.0.0.0]", inside},
		{"", "https://224.0.0.1", inside},
		{"", "https://255.255.255.255", inside},
		{"", "https://[ff02::1]", inside},
		{"", "https://metadata.google.internal", inside},
		{"", "https://Metadata.Google.Internal./", inside},
		{"*", "https://169.254.169.254", inside},
		{"", "https://metadata", inside},
		{"", "https://metadata.goog", inside},
		{"", "https://instance-data.us-west-2.compute.internal", inside},
		{"", "https://metadata.azure.internal", inside},
		{"", "https://metadata.tencentyun.com", inside},
		{"", "https://a.metadata.google.internal", inside},
		{"*.internal", "https://metadata.google.internal", inside},
		{"", "https://metadata.example.com", ""},
		{"", "https://100.64.1.2", ""},
		{"", "https://[fd00:c1::a9fe:a9fe]", inside},
		// Nor by translation.
		{"", "https://[2002:a9fe:a9fe::1]", inside}, // 6to4
		{"", "https://[2002:7f00:1::]", inside},
		{"", "https://[2001:0:53aa:64c:0:0:5601:5601]", inside}, // Teredo, with 169.254.169.254
		{"", "https://[64:ff9b:1::a9fe:a9fe]", inside},          // NAT64 of this network
		{"", "https://[64:ff9b:1:a9fe:a9:fe00::]", inside},
		{"", "https://[::169.254.169.254]", inside}, // IPv4-compatible
		{"", "https://[::127.0.0.1]", inside},
		{"", "https://[::ffff:0:169.254.169.254]", inside}, // SIIT
		{"", "https://[64:ff9b::7f00:1]", inside},
		{"", "http://[64:ff9b::7f00:1]", inside},
		{"127.0.0.1", "https://[64:ff9b::7f00:1]", inside},
		{"169.254.169.254", "https://[64:ff9b::a9fe:a9fe]", inside},
		{"64:ff9b::a9fe:a9fe", "https://[64:ff9b::a9fe:a9fe]", ""},
		{"64:ff9b:1::/48", "https://[64:ff9b:1::a9fe:a9fe]", ""},
		{"2002::/16", "https://[2002:a9fe:a9fe::1]", ""},
		{"93.184.215.0/24", "https://[64:ff9b::93.184.215.14]", ""},
		{"64:ff9b::/96", "https://[64:ff9b::93.184.215.14]", ""},
		{"", "https://[64:ff9b::93.184.215.14]", ""},
		{"", "https://[fec0::1]", inside},
		{"", "https://[5f00::1]", inside},
		{"", "https://[100::1]", inside},
		{"http://169.254.0.0/16", "http://169.254.169.254", ""},
		{"169.254.0.0/16", "https://169.254.169.254", ""},
		{"169.254.169.254", "https://[::ffff:169.254.169.254]", ""},
		{"169.254.169.254:80", "https://169.254.169.254", inside},
		{"169.254.169.254:80", "http://169.254.169.254", ""},
		{"http://metadata.google.internal", "http://metadata.google.internal", ""},
		{"metadata.google.internal", "http://metadata.google.internal", plain},
		// Odd ways to write an address.
		{"", "https://2852039166", ascii},
		{"", "https://0xa9fea9fe", ascii},
		{"", "https://169.254.43518", ascii},
		{"", "https://0251.0376.0251.0376", ascii},
		{"", "https://169.254.169.0xfe", ascii},
		{"", "https://①⑥⑨.254.169.254", ascii},
		{"", "https://１６９.254.169.254", ascii},
		{"", "https://a..b", ascii},
		{"", "https://bücher.example", ascii},
		{"", "https://xn--bcher-kva.example", ""},
		// A list is the whole list.
		{"livepeer.studio", "https://livepeer.studio/api", ""},
		{"livepeer.studio", "https://LivePeer.Studio.:443/api", ""},
		{"livepeer.studio", "http://livepeer.studio/api", plain},
		{"http://livepeer.studio", "http://livepeer.studio/api", ""},
		{"http://livepeer.studio", "http://livepeer.studio:8080/api", ""},
		{"http://livepeer.studio", "https://livepeer.studio/api", ""},
		{"http://livepeer.studio:8080", "http://livepeer.studio:8080/api", ""},
		{"http://livepeer.studio:8080", "http://livepeer.studio/api", list},
		{"http://*.example.com", "http://a.example.com", ""},
		{"*.example.com", "http://a.example.com", plain},
		{"a.example.com, http://b.example.com", "http://a.example.com", plain},
		{"127.0.0.1", "http://127.0.0.1:9797", ""}, // nobody is on the way
		{"localhost", "http://localhost:9797", ""},
		{"livepeer.studio", "https://evil.livepeer.studio", list},
		{"livepeer.studio", "https://livepeer.studio.evil.example", list},
		{"livepeer.studio", "https://evil.example/livepeer.studio", list},
		{"livepeer.studio", "http://127.0.0.1", list},
		{"livepeer.studio", "http://localhost", list},
		{"livepeer.studio", "https://10.1.2.3", list},
		{"livepeer.studio", "https://169.254.169.254", inside},
		{"livepeer.studio:8443", "https://livepeer.studio", list},
		{"livepeer.studio:443", "https://livepeer.studio", ""},
		{"livepeer.studio:80", "http://livepeer.studio", ""},
		{"*.example.com", "https://a.b.example.com", ""},
		{"*.example.com", "https://example.com", list},
		{"*.example.com", "https://aexample.com", list},
		{"*.example.com:8443", "https://a.example.com", list},
		{"http://10.0.0.0/8, http://fd00::/8", "http://10.1.2.3:9797", ""},
		{"http://10.0.0.0/8, http://fd00::/8", "http://[fd00::1]", ""},
		{"10.0.0.0/8, fd00::/8", "http://[fd00::1]", plain},
		{"10.0.0.0/8, fd00::/8", "https://10.1.2.3", ""},
		{"10.0.0.0/8, fd00::/8", "http://11.1.2.3", list},
		{"http://10.0.0.0/8", "http://[::ffff:10.1.2.3]", ""},
		{"10.1.2.3:9797", "http://10.1.2.3", list},
		{"[fd00::1]:9797", "http://[fd00:0::1]:9797", ""},
		{"[fd00::1]", "http://[fd00::1]:9797", plain},
		{"[fd00::1]", "https://[fd00::1]:9797", ""},
		{"http://[fd00::1]", "http://[fd00::1]:9797", ""},
		// Any https host and some more.
		{"*,http://studio.media.svc", "http://studio.media.svc", ""},
		{"*,studio.media.svc:80", "http://studio.media.svc", ""},
		{"*,studio.media.svc", "http://studio.media.svc", plain},
		{"*,studio.media.svc", "https://livepeer.studio", ""},
		{"*,studio.media.svc", "http://127.0.0.1", ""},
		{"*,studio.media.svc", "http://livepeer.studio", plain},
	} {
		hosts, err := ParseHosts(tt.allowed)
		if err != nil {
			t.Fatalf("%q: %v", tt.allowed, err)
		}
		_, err = New(Config{BaseURL: tt.url, Key: NewKey(testKey), Hosts: hosts})
		if tt.refused == "" {
			if err != nil {
				t.Errorf("%q refuses %s: %v", tt.allowed, tt.url, err)
			}
			continue
		}
		config, ok := errors.AsType[*ConfigError](err)
		if !ok || config.Field != "url" || !strings.Contains(config.Message, tt.refused) {
			t.Errorf("%q answers %v to %s, want %s", tt.allowed, err, tt.url, tt.refused)
		}
	}
}

// TestHostsAfterLookup: what a name stands for counts as well, whenever it is connected to.
func TestHostsAfterLookup(t *testing.T) {
	for _, tt := range []struct {
		allowed, url, addr string
		ok                 bool
	}{
		{"", "https://evil.example", "93.184.215.14", true},
		{"", "https://evil.example", "10.1.2.3", true},
		{"", "https://evil.example", "127.0.0.1", true},
		{"", "https://evil.example", "169.254.169.254", false},
		{"", "https://evil.example", "::ffff:169.254.169.254", false},
		{"", "https://evil.example", "64:ff9b::a9fe:a9fe", false},
		{"", "https://evil.example", "fe80::1%eth0", false},
		{"", "https://evil.example", "fd00:ec2::254", false},
		{"", "https://evil.example", "0.0.0.0", false},
		{"", "https://evil.example", "::", false},
		{"", "http://localhost", "127.0.0.1", true},
		{"", "http://localhost", "::1", true},
		{"", "http://localhost", "10.1.2.3", false}, // not this machine after all
		{"evil.example", "https://evil.example", "10.1.2.3", true},
		{"http://evil.example", "http://evil.example", "10.1.2.3", true},
		{"evil.example", "http://evil.example", "10.1.2.3", false},
		{"evil.example", "http://evil.example", "127.0.0.1", true},
		{"", "https://evil.example", "64:ff9b::7f00:1", false},
		{"", "http://localhost", "64:ff9b::7f00:1", false},
		{"", "https://evil.example", "2002:a9fe:a9fe::1", false},
		{"", "https://evil.example", "64:ff9b::5db8:d70e", true},
		{"", "https://evil.example", "2606:4700::1111", true},
		{"evil.example", "https://evil.example", "169.254.169.254", false}, // the address itself has to be listed
		{"evil.example,169.254.169.254", "https://evil.example", "169.254.169.254", true},
	} {
		hosts, err := ParseHosts(tt.allowed)
		if err != nil {
			t.Fatal(err)
		}
		if err = hosts.check(mustTarget(t, tt.url), netip.MustParseAddr(tt.addr)); (err == nil) != tt.ok {
			t.Errorf("%q, %s at %s: %v", tt.allowed, tt.url, tt.addr, err)
		}
	}
}

func TestBadLists(t *testing.T) {
	for _, list := range []string{"https://livepeer.studio", "livepeer.studio/api", "a b", "*.", "a.*", "*a", "**.a", "10.0.0.0/33",
		"10.0.0.256", "a:0", "a:65536", "a:http", "a:080", "[::1", "a,,b/", "é.example", "::ffff:10.0.0.0/104", "*:443", ":443", "http://", "http://*", "http://a/b", "http://http://a", "https://a",
		",", " ", " , ,"} {
		if hosts, err := ParseHosts(list); err == nil || len(hosts.rules) != 0 {
			t.Errorf("%q is a list: %v", list, hosts)
		}
	}
}

func mustTarget(t *testing.T, s string) target {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return targetOf(u)
}

// FuzzHosts: whatever the URL, and whatever its host stands for, no address inside of machines is permitted that is not
// listed, plain http leads to loopback alone, and a list permits no other host.
func FuzzHosts(f *testing.F) {
	for _, seed := range []string{"https://livepeer.studio/api", "http://127.0.0.1", "https://[fe80::1%25a]:1", "https://①.example", "http://0x7f.1"} {
		f.Add(seed, []byte{169, 254, 169, 254})
	}
	list, err := ParseHosts("*.example.com,10.0.0.0/8")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, base string, raw []byte) {
		u, err := parseBase(base)
		if err != nil {
			return
		}
		to := targetOf(u)
		addr, _ := netip.AddrFromSlice(raw)
		for _, addr := range []netip.Addr{to.addr, addr} {
			plain := plainAddr(addr)
			err := Hosts{}.check(to, addr)
			if err == nil && (internal(plain) || u.Scheme == "http" && plain.IsValid() && !plain.IsLoopback()) {
				t.Errorf("%s at %s is permitted", base, addr)
			}
			ten := plain.Is4() && plain.As4()[0] == 10
			if err := list.check(to, addr); err == nil && !ten && !strings.HasSuffix(to.host, ".example.com") {
				t.Errorf("%s at %s is permitted by a list without it", base, addr)
			}
		}
	})
}

// TestAListThatIsBegunKeepsTheRest: who lists the first host is told of *, without which no other host is permitted any more.
func TestAListThatIsBegunKeepsTheRest(t *testing.T) {
	for list, says := range map[string]string{
		"": "list *,http://studio.media.svc in --allowed-hosts", "livepeer.studio": "among the hosts", "*": "list http://studio.media.svc in --allowed-hosts",
	} {
		hosts, err := ParseHosts(list)
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(Config{BaseURL: "http://studio.media.svc/api", Key: NewKey("key"), Hosts: hosts})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", list, err)
		}
		_, err = New(Config{BaseURL: "https://169.254.169.254/api", Key: NewKey("key"), Hosts: hosts})
		if err == nil || strings.Contains(err.Error(), "beside *") != (list == "") {
			t.Errorf("%q: %v", list, err)
		}
	}
}
