// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Where the other replicas reach the receiver of this one, if they can.
func TestOwnAddress(t *testing.T) {
	for _, c := range []struct{ listen, podIP, want, says string }{
		{":9292", "10.0.0.7", "10.0.0.7:9292", ""},
		{"0.0.0.0:9292", "fd00::7", "[fd00::7]:9292", ""},
		{":9292", "", "", ""},
		{"0", "10.0.0.7", "", ""},
		{"9292", "10.0.0.7", "", "--receiver-bind-address: "},
		{":9292", "pod", "", "POD_IP and --receiver-bind-address: "},
	} {
		address, err := ownAddress(c.listen, c.podIP)
		switch {
		case c.says != "":
			if err == nil || !strings.HasPrefix(err.Error(), c.says) {
				t.Errorf("%+v: %v", c, err)
			}
		case err != nil || address.IsValid() != (c.want != "") || address.IsValid() && address.String() != c.want:
			t.Errorf("%+v: %s, %v", c, address, err)
		}
	}
}

func TestNamespacesAreNamed(t *testing.T) {
	watched, err := namespaces(" media,, video , ")
	if names := slices.Sorted(maps.Keys(watched)); err != nil || !slices.Equal(names, []string{"media", "video"}) {
		t.Errorf("%q, %v", names, err)
	}
	if watched, err := namespaces(""); err != nil || watched != nil {
		t.Errorf("all: %v, %v", watched, err)
	}
}

// Whoever may not read metrics does not, unless that was turned off.
func TestWhoReadsMetrics(t *testing.T) {
	for _, secure := range []bool{true, false} {
		if serves, err := metricsOptions(&options{metricsSecure: secure}); err != nil || serves.Secure != secure {
			t.Errorf("%v: %+v, %v", secure, serves, err)
		}
	}
}
