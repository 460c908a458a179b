// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestOnlySeveralKubeAPIServersHaveABalancer(t *testing.T) {
	for name, test := range map[string]struct {
		record    record
		server    string
		addresses []string
	}{
		"a record of an earlier version": {record{Network: 7}, "10.213.7.2", []string{"10.213.7.2"}},
		"one":                            {record{Network: 7, KubeAPIServers: 1}, "10.213.7.2", []string{"10.213.7.2"}},
		"three": {
			record{Network: 7, KubeAPIServers: 3},
			"10.213.7.14",
			[]string{"10.213.7.2", "10.213.7.3", "10.213.7.4", "10.213.7.14"},
		},
	} {
		if got := test.record.server(); got != test.server {
			t.Errorf("%s: the kubeconfigs have server %s", name, got)
		}
		if got := test.record.addresses(); !slices.Equal(got, test.addresses) {
			t.Errorf("%s: the node has the addresses %v", name, got)
		}
	}
}

func TestKubeAPIServersShareNothingButEtcd(t *testing.T) {
	seen := map[string]bool{}
	for number := range maxKubeAPIServers {
		server := apiServer(7, number+1)
		own := []string{server.name, strconv.Itoa(int(server.group))}
		for _, argument := range server.args {
			for _, flag := range []string{"--bind-address=", "--advertise-address=", "--audit-log-path="} {
				if strings.HasPrefix(argument, flag) {
					own = append(own, argument)
				}
			}
		}
		if len(own) != 5 {
			t.Errorf("%s lacks flags: %v", server.name, own)
		}
		for _, value := range own {
			if seen[value] {
				t.Errorf("two kube-apiservers have %q", value)
			}
			seen[value] = true
		}
		if server.path() != "/run/bin/kube-apiserver" {
			t.Errorf("%s runs %s", server.name, server.path())
		}
	}
}

func TestNumberOfAKubeAPIServerIsParsed(t *testing.T) {
	for _, test := range []struct {
		args   string
		number int
		rest   []string
		fails  bool
	}{
		{args: "--name x kube-apiserver 2", number: 2},
		{args: "kube-apiserver 3 --v=4 --bind-address=", number: 3, rest: []string{"--v=4", "--bind-address="}},
		{args: "kube-apiserver", fails: true},
		{args: "kube-apiserver two", fails: true},
		{args: "kubelet 1", fails: true},
	} {
		flags := flag.NewFlagSet("start", flag.ContinueOnError)
		_, number, rest, err := parseNumber(flags, strings.Fields(test.args))
		if (err != nil) != test.fails || err == nil && (number != test.number || !slices.Equal(rest, test.rest)) {
			t.Errorf("%s: got number %d, arguments %q, error %v", test.args, number, rest, err)
		}
	}
}

func TestOrdersForUnknownKubeAPIServersAreRejected(t *testing.T) {
	for _, number := range []int{-1, 0, 4} {
		err := record{KubeAPIServers: 3}.give("Signal", Order{Number: number})
		if err == nil || !strings.Contains(err.Error(), "the cluster has 3") {
			t.Errorf("kube-apiserver %d: got error %v", number, err)
		}
	}
}
