// SPDX-License-Identifier: Apache-2.0

package endpoints

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// sliceOf returns an EndpointSlice of IPv4 addresses.
func sliceOf(portName string, port int32, endpoints ...discoveryv1.Endpoint) discoveryv1.EndpointSlice {
	return discoveryv1.EndpointSlice{
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &portName, Port: &port}},
		Endpoints:   endpoints,
	}
}

// ipv6SliceOf returns an EndpointSlice of IPv6 addresses.
func ipv6SliceOf(portName string, port int32, endpoints ...discoveryv1.Endpoint) discoveryv1.EndpointSlice {
	slice := sliceOf(portName, port, endpoints...)
	slice.AddressType = discoveryv1.AddressTypeIPv6
	return slice
}

func endpointAt(address string, ready *bool, pod string) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{
		Addresses:  []string{address},
		Conditions: discoveryv1.EndpointConditions{Ready: ready},
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: pod},
	}
}

func serviceWith(spec corev1.ServiceSpec) *corev1.Service { return &corev1.Service{Spec: spec} }

func TestBehindReturnsWhereTheAggregatorSendsRequests(t *testing.T) {
	slicesOfService := []discoveryv1.EndpointSlice{
		sliceOf("https", 8443,
			endpointAt("10.0.0.2", new(true), "b"), endpointAt("10.0.0.1", nil, "a"),
			endpointAt("10.0.0.3", new(false), "c")),
		sliceOf("https", 8443, discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}}, discoveryv1.Endpoint{}),
		sliceOf("metrics", 9090, endpointAt("10.0.0.1", nil, "a")),
		ipv6SliceOf("https", 8443, endpointAt("fd00::1", nil, "a")),
	}
	ports := []corev1.ServicePort{{Name: "https", Port: 443}, {Name: "metrics", Port: 9090}}
	tests := map[string]struct {
		service *corev1.Service
		port    int32
		address string
		ready   []string
	}{
		"the ready ones behind the port": {
			serviceWith(corev1.ServiceSpec{ClusterIP: "10.1.0.1", Ports: ports}), 443,
			"10.1.0.1:443",
			[]string{"10.0.0.1:8443", "10.0.0.2:8443"},
		},
		"a headless Service has no address of its own": {
			serviceWith(corev1.ServiceSpec{ClusterIP: "None", Ports: ports}), 443,
			"",
			[]string{"10.0.0.1:8443", "10.0.0.2:8443", "[fd00::1]:8443"},
		},
		"those of the Service's IP family": {
			serviceWith(corev1.ServiceSpec{ClusterIP: "fd00::9", Ports: ports}), 443,
			"[fd00::9]:443",
			[]string{"[fd00::1]:8443"},
		},
		"an external name": {
			serviceWith(corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"}), 8443,
			"",
			[]string{"localhost:8443"},
		},
		"a port that the Service does not have": {
			serviceWith(corev1.ServiceSpec{ClusterIP: "10.1.0.1", Ports: ports}), 444, "", nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			address, ready := Behind(test.service, test.port, slicesOfService)
			var got []string
			for _, endpoint := range ready {
				got = append(got, endpoint.Address)
			}
			if address != test.address || !slices.Equal(got, test.ready) {
				t.Errorf("got %q and %q", address, got)
			}
		})
	}
}

func TestAddressesInTwoSlicesAreReturnedOnceWithTheirPod(t *testing.T) {
	got := Ready([]discoveryv1.EndpointSlice{
		sliceOf("https", 8443, discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}}),
		sliceOf("https", 8443, endpointAt("10.0.0.1", nil, "a")),
	}, "https")
	if !slices.Equal(got, []Endpoint{{Address: "10.0.0.1:8443", Pod: "a"}}) {
		t.Errorf("got %v", got)
	}
}
