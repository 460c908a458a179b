// SPDX-License-Identifier: Apache-2.0

package endpoints

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

func TestUnroutable(t *testing.T) {
	for name, test := range map[string]struct {
		clusterIP string
		protocol  corev1.Protocol
		problem   string
	}{
		"a ClusterIP":                {"10.1.0.1", corev1.ProtocolTCP, ""},
		"IPv6":                       {"fd00::9", corev1.ProtocolTCP, ""},
		"a protocol by default":      {"10.1.0.1", "", ""},
		"headless":                   {"None", corev1.ProtocolTCP, "headless"},
		"no ClusterIP":               {"", corev1.ProtocolTCP, "no ClusterIP"},
		"a port of another protocol": {"10.1.0.1", corev1.ProtocolUDP, "UDP on port 443"},
	} {
		t.Run(name, func(t *testing.T) {
			problem, advice := Unroutable(serviceWith(corev1.ServiceSpec{ClusterIP: test.clusterIP}),
				corev1.ServicePort{Port: 443, Protocol: test.protocol})
			assertProblem(t, problem, advice, test.problem)
		})
	}
}

func TestPortReturnsTheFirstPortWithTheNumber(t *testing.T) {
	service := serviceWith(corev1.ServiceSpec{Ports: []corev1.ServicePort{
		{Name: "metrics", Port: 9090}, {Name: "quic", Port: 443, Protocol: corev1.ProtocolUDP}, {Name: "https", Port: 443},
	}})
	if port, found := Port(service, 443); !found || port.Name != "quic" {
		t.Errorf("got %+v (%t)", port, found)
	}
}

func TestUnmatched(t *testing.T) {
	unready := endpointAt("10.0.0.1", new(false), "a")
	unnamed := sliceOf("", 8443, endpointAt("10.0.0.1", nil, "a"))
	portless := sliceOf("", 0, endpointAt("10.0.0.1", nil, "a"))
	portless.Ports = nil
	for name, test := range map[string]struct {
		slices  []discoveryv1.EndpointSlice
		problem string
	}{
		"no slice":   {nil, ""},
		"none ready": {[]discoveryv1.EndpointSlice{sliceOf("web", 8443, unready)}, ""},
		"an unnamed port": {
			[]discoveryv1.EndpointSlice{unnamed}, `port 443, which is named "https": they are for ports named ""`,
		},
		"no port of the Pods": {[]discoveryv1.EndpointSlice{portless}, "targetPort"},
		"several other ports": {
			[]discoveryv1.EndpointSlice{
				sliceOf("web", 8443, endpointAt("10.0.0.1", nil, "a")), sliceOf("metrics", 9090, endpointAt("10.0.0.1", nil, "a")),
				sliceOf("web", 8443, endpointAt("10.0.0.2", nil, "b")),
			},
			`ports named "metrics", "web"`,
		},
		"another IP family": {
			[]discoveryv1.EndpointSlice{ipv6SliceOf("https", 8443, endpointAt("fd00::1", nil, "a"))},
			"has the ClusterIP 10.1.0.1, but its ready endpoints have only IPv6 addresses",
		},
	} {
		t.Run(name, func(t *testing.T) {
			problem, advice := Unmatched(serviceWith(corev1.ServiceSpec{ClusterIP: "10.1.0.1"}),
				corev1.ServicePort{Name: "https", Port: 443}, test.slices)
			assertProblem(t, problem, advice, test.problem)
		})
	}
}

// assertProblem checks that every problem has advice.
func assertProblem(t *testing.T, problem, advice, wanted string) {
	t.Helper()
	if !strings.Contains(problem, wanted) || (problem == "") != (wanted == "") || (problem == "") != (advice == "") {
		t.Errorf("got %q, %q", problem, advice)
	}
}
