// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/netip"
	"testing"
)

func TestFreeNetwork(t *testing.T) {
	for name, test := range map[string]struct {
		used []string
		want network
	}{
		"nothing in use":             {nil, 0},
		"networks far away":          {[]string{"127.0.0.1/8", "192.168.1.7/24", "fe80::1/64"}, 0},
		"other clusters":             {[]string{"10.213.0.1/30", "10.213.1.1/30", "10.213.3.1/30"}, 2},
		"an address among the Pods":  {[]string{"10.214.0.77/32"}, 1},
		"a wide network of Services": {[]string{"10.224.0.0/16"}, 16},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := freeNetwork(parsePrefixes(test.used))
			if err != nil || got != test.want {
				t.Errorf("got network %d and error %v, want %d", got, err, test.want)
			}
		})
	}
	if _, err := freeNetwork(parsePrefixes([]string{"10.0.0.0/8"})); err == nil {
		t.Error("no error although all networks are in use")
	}
}

func TestNetworksOfServicesDoNotOverlap(t *testing.T) {
	for n, want := range map[network]string{
		0: "10.224.0.0/20", 1: "10.224.16.0/20", 17: "10.225.16.0/20", 255: "10.239.240.0/20",
	} {
		if got := n.Services(); got != want {
			t.Errorf("network %d: got %s, want %s", n, got, want)
		}
		if !netip.MustParsePrefix(want).Contains(netip.MustParseAddr(n.APIService())) {
			t.Errorf("network %d: %s is not in %s", n, n.APIService(), want)
		}
	}
}

func TestLinkAddress(t *testing.T) {
	seen := map[string]bool{}
	for _, dir := range []string{"/root/.cache/a", "/root/.cache/b", "/home/a b/.cache/a"} {
		address, err := net.ParseMAC(linkAddress(dir))
		if err != nil || len(address) != 6 || address[0]&3 != 2 {
			t.Errorf("%s: %v, error %v: not a local address of one interface", dir, address, err)
		}
		seen[address.String()] = true
	}
	if len(seen) != 3 {
		t.Errorf("got %d addresses for 3 directories", len(seen))
	}
}

func parsePrefixes(texts []string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}
