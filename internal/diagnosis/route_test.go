// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func serviceAt(clusterIP string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: clusterIP, Ports: ports}}
}

func externalService() *corev1.Service {
	return &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "h"}}
}

func TestServiceVerdict(t *testing.T) {
	backend := manifests.Backend{Namespace: "a", Name: "b", Port: 443}
	https := corev1.ServicePort{Name: "https", Port: 443}
	service := serviceAt("10.0.0.1", https)
	elsewhere := []discoveryv1.EndpointSlice{{
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: new("web"), Port: new(int32(1))}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.1.0.1"}}},
	}}
	tests := map[string]struct {
		service *corev1.Service
		slices  []discoveryv1.EndpointSlice
		ready   int
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"ready":       {service, nil, 2, "True", v1alpha1.ReasonEndpointsReady, "a/b has 2 ready"},
		"no endpoint": {service, nil, 0, "False", v1alpha1.ReasonNoReadyEndpoints, "Pods behind it"},
		"no such port": {
			serviceAt("10.0.0.1"), nil, 0, "False", v1alpha1.ReasonServicePortNotFound, "spec.existingService.port",
		},
		"an external name": {externalService(), nil, 1, "True", v1alpha1.ReasonEndpointsReady, "host h"},
		"headless": {
			serviceAt("None", https), nil, 2,
			"False", v1alpha1.ReasonServiceNotRoutable, "a/b is headless (clusterIP: None)",
		},
		"endpoints of another port": {
			service, elsewhere, 0,
			"False", v1alpha1.ReasonServiceNotRoutable, `none for its port 443, which is named "https"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			findingtest.Expect(t, ExistingService(backend, test.service, test.slices, test.ready),
				test.status, test.reason, test.message)
		})
	}
}

func TestOwnServiceVerdict(t *testing.T) {
	backend := manifests.Backend{Namespace: "a", Name: "b", Port: 443}
	https := corev1.ServicePort{Name: "https", Port: 443}
	podAt := func(addresses ...string) corev1.Pod {
		pod := corev1.Pod{}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		for _, address := range addresses {
			pod.Status.PodIPs = append(pod.Status.PodIPs, corev1.PodIP{IP: address})
		}
		return pod
	}
	unready := corev1.Pod{Status: corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: "fd00::1"}}}}
	tests := map[string]struct {
		service *corev1.Service
		pods    []corev1.Pod
		// message is empty where there is nothing to say.
		message string
	}{
		"Pods in its IP family":       {serviceAt("10.0.0.1", https), []corev1.Pod{podAt("fd00::1", "10.1.0.1")}, ""},
		"no ready Pod":                {serviceAt("10.0.0.1", https), []corev1.Pod{unready}, ""},
		"what the operator will mend": {externalService(), nil, ""},
		"a port that it will add":     {serviceAt("10.0.0.1"), nil, ""},
		"headless":                    {serviceAt("None", https), nil, "kubectl -n a delete service b"},
		"IPv6 Pods behind IPv4":       {serviceAt("10.0.0.1", https), []corev1.Pod{podAt("fd00::1")}, "like fd00::1"},
		"IPv4 Pods behind IPv6":       {serviceAt("fd00::9", https), []corev1.Pod{podAt("10.1.0.1")}, "like 10.1.0.1"},
		"a port that is not for TCP":  {serviceAt("10.0.0.1", corev1.ServicePort{Port: 443, Protocol: "UDP"}), nil, "UDP"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := OwnService(backend, test.service, test.pods)
			if test.message == "" {
				if got.Code != "" {
					t.Errorf("got %+v", got)
				}
				return
			}
			findingtest.Expect(t, got, "False", v1alpha1.ReasonServiceNotRoutable, test.message)
		})
	}
}
