// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"net"
	"strconv"
	"strings"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// OfURLs are the endpoints of an etcd.
func OfURLs(urls []string) (endpoints []Endpoint) {
	for _, url := range urls {
		scheme, address, _ := strings.Cut(url, "://")
		protocol := PlainEtcd
		if scheme == "https" {
			protocol = Etcd
		}
		endpoints = append(endpoints, Endpoint{Protocol: protocol, Address: address, Dial: address})
	}
	return endpoints
}

// OfDSN are the endpoints of a database, none while its data source name is not known.
func OfDSN(dsn string) (endpoints []Endpoint) {
	protocol, addresses, _ := ParseDSN(dsn)
	for _, address := range addresses {
		endpoints = append(endpoints, Endpoint{Protocol: protocol, Address: address, Dial: address})
	}
	return endpoints
}

// Standalone is the endpoint of a standalone etcd, which the operator reaches at the IP address of its Service.
func Standalone(address, ip string) Endpoint {
	return Endpoint{Protocol: Etcd, Address: address, Dial: net.JoinHostPort(ip, strconv.Itoa(manifests.EtcdPort))}
}

// AddressOf is that of a standalone etcd by its host.
func AddressOf(host string) string { return net.JoinHostPort(host, strconv.Itoa(manifests.EtcdPort)) }
