// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func sliceOf(portName string, port int32, endpoints ...discoveryv1.Endpoint) discoveryv1.EndpointSlice {
	return discoveryv1.EndpointSlice{
		Ports:     []discoveryv1.EndpointPort{{Name: &portName, Port: &port}},
		Endpoints: endpoints,
	}
}

func endpointAt(address string, ready *bool, pod string) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{
		Addresses:  []string{address},
		Conditions: discoveryv1.EndpointConditions{Ready: ready},
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: pod},
	}
}

func serviceWith(spec corev1.ServiceSpec) *corev1.Service { return &corev1.Service{Spec: spec} }

func TestAddressesAreWhereTheAggregatorSendsRequests(t *testing.T) {
	slicesOfService := []discoveryv1.EndpointSlice{
		sliceOf("https", 8443,
			endpointAt("10.0.0.2", new(true), "b"), endpointAt("10.0.0.1", nil, "a"),
			endpointAt("10.0.0.3", new(false), "c")),
		sliceOf("https", 8443, endpointAt("10.0.0.1", nil, "a")),
		sliceOf("metrics", 9090, endpointAt("10.0.0.1", nil, "a")),
	}
	ports := []corev1.ServicePort{{Name: "https", Port: 443}, {Name: "metrics", Port: 9090}}
	tests := map[string]struct {
		service *corev1.Service
		port    int32
		own     string
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
			[]string{"10.0.0.1:8443", "10.0.0.2:8443"},
		},
		"IPv6": {
			serviceWith(corev1.ServiceSpec{ClusterIP: "fd00::1", Ports: ports}), 9090,
			"[fd00::1]:9090",
			[]string{"10.0.0.1:9090"},
		},
		"an external name": {
			serviceWith(corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"}), 8443,
			"",
			[]string{"localhost:8443"},
		},
		"a port that the Service does not have": {
			serviceWith(corev1.ServiceSpec{ClusterIP: "10.1.0.1", Ports: ports}), 444, "", nil,
		},
		"no Service": {nil, 443, "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			own, ready := addresses(test.service, test.port, slicesOfService)
			var got []string
			for _, endpoint := range ready {
				got = append(got, endpoint.address)
			}
			if own != test.own || !slices.Equal(got, test.ready) {
				t.Errorf("got %q and %q", own, got)
			}
		})
	}
}

func TestServiceVerdict(t *testing.T) {
	backend := manifests.Backend{Namespace: "a", Name: "b", Port: 443}
	service, portless := serviceWith(corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 443}}}), &corev1.Service{}
	tests := map[string]struct {
		service *corev1.Service
		ready   int
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"ready":        {service, 2, "True", v1alpha1.ReasonEndpointsReady, "a/b has 2 ready"},
		"no endpoint":  {service, 0, "False", v1alpha1.ReasonNoReadyEndpoints, "Pods behind it"},
		"no such port": {portless, 0, "False", v1alpha1.ReasonServicePortNotFound, "spec.service.port"},
		"no Service":   {nil, 0, "False", v1alpha1.ReasonServiceNotFound, "create it"},
		"an external name": {
			serviceWith(corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "h"}), 1,
			"True", v1alpha1.ReasonEndpointsReady, "host h",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assertVerdict(t, serviceVerdict(backend, test.service, test.ready), test.status, test.reason, test.message)
		})
	}
}
