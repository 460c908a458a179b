// SPDX-License-Identifier: Apache-2.0

package main

import "strconv"

const (
	maxKubeAPIServers = 5
	securePort        = "6443"
)

// kubeAPIServers returns the addresses of the kube-apiservers.
func (r record) kubeAPIServers() []string {
	var addresses []string
	for number := range max(1, r.KubeAPIServers) {
		addresses = append(addresses, r.Network.kubeAPIServer(number+1))
	}
	return addresses
}

// isBalanced reports whether there are several kube-apiservers, with a balancer in front of them.
func (r record) isBalanced() bool { return len(r.kubeAPIServers()) > 1 }

// server returns the address in the kubeconfigs. A single kube-apiserver has no balancer in front of it.
func (r record) server() string {
	if r.isBalanced() {
		return r.Network.balancer()
	}
	return r.Network.Node()
}

// addresses returns those of the node, its own first.
func (r record) addresses() []string {
	addresses := r.kubeAPIServers()
	if r.isBalanced() {
		addresses = append(addresses, r.Network.balancer())
	}
	return addresses
}

func urlOf(address string) string { return "https://" + address + ":" + securePort }

// suffixed returns the name of what belongs to a kube-apiserver. That of the first one has no number.
func suffixed(name string, number int, extension string) string {
	if number == 1 {
		return name + extension
	}
	return name + "-" + strconv.Itoa(number) + extension
}
