// SPDX-License-Identifier: Apache-2.0

package endpoints

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	netutils "k8s.io/utils/net"
	"k8s.io/utils/ptr"
)

// Unroutable returns why kube-apiserver cannot send requests to a port of a Service, regardless of its endpoints, and
// what its owner can do about that; both are empty if it can. kube-apiserver sends to the ClusterIP, or, when it runs
// with --enable-aggregator-routing, to an endpoint (k8s.io/apiserver pkg/util/proxy).
func Unroutable(service *corev1.Service, port corev1.ServicePort) (problem, advice string) {
	switch {
	case service.Spec.ClusterIP == corev1.ClusterIPNone:
		return "is headless (clusterIP: None), and kube-apiserver cannot route to it",
			"recreate it with a ClusterIP"
	case !hasClusterIP(service):
		return "has no ClusterIP", "look at its Events"
	case port.Protocol != "" && port.Protocol != corev1.ProtocolTCP:
		return fmt.Sprintf("has %s on port %d, and kube-apiserver sends requests over TCP", port.Protocol, port.Port),
			"correct it, or spec.existingService.port"
	default:
		return "", ""
	}
}

// Unmatched returns why a Service has ready endpoints, but none behind a port, and what its owner can do about that;
// both are empty if it has no ready endpoint at all.
func Unmatched(
	service *corev1.Service, port corev1.ServicePort, endpointSlices []discoveryv1.EndpointSlice,
) (problem, advice string) {
	ready := slices.DeleteFunc(slices.Clone(endpointSlices), func(slice discoveryv1.EndpointSlice) bool {
		return len(readyIn(slice, 0)) == 0
	})
	switch reached := reachable(service, ready); {
	case len(ready) == 0:
		return "", ""
	case len(reached) == 0:
		return fmt.Sprintf("has the ClusterIP %s, but its ready endpoints have only %s addresses",
			service.Spec.ClusterIP, ready[0].AddressType), "use the same IP family for both"
	default:
		return fmt.Sprintf("has ready endpoints, but none for its port %d, which is named %q: they are for %s",
			port.Port, port.Name, portsOf(reached)), "use the same port name in the Service and in its EndpointSlices"
	}
}

// InFamily reports whether an IP address is of the same family as a Service's own address.
func InFamily(service *corev1.Service, address string) bool {
	return netutils.IsIPv6String(address) == netutils.IsIPv6String(service.Spec.ClusterIP)
}

// maxNames bounds how many port names a message lists.
const maxNames = 5

func portsOf(endpointSlices []discoveryv1.EndpointSlice) string {
	var names []string
	for _, slice := range endpointSlices {
		for _, port := range slice.Ports {
			names = append(names, fmt.Sprintf("%q", ptr.Deref(port.Name, "")))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return "no port, so its targetPort matches none of the Pods' ports"
	}
	return "ports named " + strings.Join(names[:min(len(names), maxNames)], ", ")
}

// reachable returns the slices of the Service's own IP family, which kube-proxy forwards requests for its address to;
// all of them if it has no address.
func reachable(service *corev1.Service, endpointSlices []discoveryv1.EndpointSlice) []discoveryv1.EndpointSlice {
	if !hasClusterIP(service) {
		return endpointSlices
	}
	family := discoveryv1.AddressTypeIPv4
	if netutils.IsIPv6String(service.Spec.ClusterIP) {
		family = discoveryv1.AddressTypeIPv6
	}
	return slices.DeleteFunc(slices.Clone(endpointSlices), func(slice discoveryv1.EndpointSlice) bool {
		return slice.AddressType != family
	})
}

func hasClusterIP(service *corev1.Service) bool {
	return service.Spec.ClusterIP != "" && service.Spec.ClusterIP != corev1.ClusterIPNone
}
