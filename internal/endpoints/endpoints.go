// SPDX-License-Identifier: Apache-2.0

// Package endpoints finds the ready addresses behind a Service.
package endpoints

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Endpoint is one ready address.
type Endpoint struct {
	// Address is host:port.
	Address string
	// Pod behind the address, empty if unknown.
	Pod string
}

func (e Endpoint) String() string {
	if e.Pod != "" {
		return fmt.Sprintf("Pod %s (%s)", e.Pod, e.Address)
	}
	return "endpoint " + e.Address
}

// OfPod returns the endpoint of a Pod's port.
func OfPod(pod *corev1.Pod, port int32) Endpoint {
	return Endpoint{Address: HostPort(pod.Status.PodIP, port), Pod: pod.Name}
}

// List returns the EndpointSlices of a Service.
func List(
	ctx context.Context, reader client.Reader, service client.ObjectKey, options ...client.ListOption,
) ([]discoveryv1.EndpointSlice, error) {
	list := &discoveryv1.EndpointSliceList{}
	options = append(options, client.InNamespace(service.Namespace),
		client.MatchingLabels{discoveryv1.LabelServiceName: service.Name})
	err := reader.List(ctx, list, options...)
	return list.Items, err
}

// Behind returns a Service's own address, empty if it has none, and the ready endpoints behind its port: where the
// aggregator sends requests to.
func Behind(
	service *corev1.Service, port int32, endpointSlices []discoveryv1.EndpointSlice,
) (address string, ready []Endpoint) {
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return "", []Endpoint{{Address: HostPort(service.Spec.ExternalName, port)}}
	}
	servicePort, found := Port(service, port)
	if !found {
		return "", nil
	}
	if hasClusterIP(service) {
		address = HostPort(service.Spec.ClusterIP, port)
	}
	return address, Ready(reachable(service, endpointSlices), servicePort.Name)
}

// Port returns the port that kube-apiserver uses for that number: the first one (k8s.io/apiserver pkg/util/proxy).
func Port(service *corev1.Service, number int32) (port corev1.ServicePort, found bool) {
	for _, candidate := range service.Spec.Ports {
		if candidate.Port == number {
			return candidate, true
		}
	}
	return corev1.ServicePort{}, false
}

// Ready returns the ready endpoints of the port of that name, ordered by address. An address that is in several slices
// is returned once.
func Ready(endpointSlices []discoveryv1.EndpointSlice, portName string) []Endpoint {
	var result []Endpoint
	for _, slice := range endpointSlices {
		for _, port := range slice.Ports {
			if ptr.Deref(port.Name, "") == portName && port.Port != nil {
				result = append(result, readyIn(slice, *port.Port)...)
			}
		}
	}
	// Of two entries for an address, the one with the Pod comes first and is kept.
	slices.SortFunc(result, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), -cmp.Compare(a.Pod, b.Pod))
	})
	return slices.CompactFunc(result, func(a, b Endpoint) bool { return a.Address == b.Address })
}

func readyIn(slice discoveryv1.EndpointSlice, port int32) []Endpoint {
	var result []Endpoint
	for _, candidate := range slice.Endpoints {
		// nil means ready (k8s.io/api/discovery/v1, EndpointConditions).
		if !ptr.Deref(candidate.Conditions.Ready, true) || len(candidate.Addresses) == 0 {
			continue
		}
		ready := Endpoint{Address: HostPort(candidate.Addresses[0], port)}
		if target := candidate.TargetRef; target != nil && target.Kind == "Pod" {
			ready.Pod = target.Name
		}
		result = append(result, ready)
	}
	return result
}

// HostPort returns host:port, also for an IPv6 address.
func HostPort(host string, port int32) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }
