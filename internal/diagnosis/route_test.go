// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func serviceAt(clusterIP string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: clusterIP, Ports: ports}}
}

func externalService() *corev1.Service {
	return &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "h"}}
}

// ownedBehind returns a snapshot with the operator's Service, and the Pods of the server.
func ownedBehind(service *corev1.Service, pods ...corev1.Pod) *snapshot.Snapshot {
	s := snapshottest.New()
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) { behind.Service = service })
	snapshottest.Change(&s.Server, func(server *snapshot.Workload) { server.Pods = pods })
	return s
}

func TestAServiceOfAnotherOwnerIsReportedWithItsEndpointsOrWhatPreventsThem(t *testing.T) {
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
		"ready": {service, nil, 2, "True", v1alpha1.ReasonEndpointsReady, "wardle-system/wardle has 2 ready endpoints"},
		"no endpoint": {
			service, nil, 0,
			"False", v1alpha1.ReasonNoReadyEndpoints, "Inspect its Pods: kubectl -n wardle-system describe endpointslices",
		},
		"no Service": {nil, nil, 0, "False", v1alpha1.ReasonServiceNotFound, "correct spec.existingService"},
		"no such port": {
			serviceAt("10.0.0.1"), nil, 0,
			"False", v1alpha1.ReasonServicePortNotFound, "has no port 443. Correct spec.existingService.port",
		},
		"an external name": {externalService(), nil, 1, "True", v1alpha1.ReasonEndpointsReady, "host h"},
		"headless": {
			serviceAt("None", https), nil, 2,
			"False", v1alpha1.ReasonServiceNotRoutable, "wardle-system/wardle is headless (clusterIP: None)",
		},
		"endpoints of another port": {
			service, elsewhere, 0,
			"False", v1alpha1.ReasonServiceNotRoutable, `none for its port 443, which is named "https"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.BehindExistingService()
			s.Endpoints = snapshot.Of(snapshot.Endpoints{
				Service: test.service, EndpointSlices: test.slices, Ready: make([]endpoints.Endpoint, test.ready),
			}, nil)
			got := Service(s)
			findingtest.Expect(t, got, test.status, test.reason, test.message)
			if notRoutable := test.reason == v1alpha1.ReasonServiceNotRoutable; Unroutable(s).Found() != notRoutable {
				t.Errorf("it cannot be routed to: %t", !notRoutable)
			}
		})
	}
}

func TestTheOwnServiceIsReportedOnlyWhereAUserMustAct(t *testing.T) {
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
	udp := corev1.ServicePort{Port: 443, Protocol: "UDP"}
	tests := map[string]struct {
		snapshot *snapshot.Snapshot
		// message is empty where no user must act.
		message string
	}{
		"there is none":              {ownedBehind(nil), ""},
		"Pods in its IP family":      {ownedBehind(serviceAt("10.0.0.1", https), podAt("fd00::1", "10.1.0.1")), ""},
		"no ready Pod":               {ownedBehind(serviceAt("10.0.0.1", https), unready), ""},
		"the operator repairs it":    {ownedBehind(externalService()), ""},
		"the operator adds the port": {ownedBehind(serviceAt("10.0.0.1")), ""},
		"headless": {
			ownedBehind(serviceAt("None", https)), "kubectl -n wardle-system delete service wardle",
		},
		"IPv6 Pods behind IPv4":      {ownedBehind(serviceAt("10.0.0.1", https), podAt("fd00::1")), "like fd00::1"},
		"IPv4 Pods behind IPv6":      {ownedBehind(serviceAt("fd00::9", https), podAt("10.1.0.1")), "like 10.1.0.1"},
		"a port that is not for TCP": {ownedBehind(serviceAt("10.0.0.1", udp)), "UDP"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Service(test.snapshot)
			if test.message == "" {
				findingtest.Expect(t, got, "", "", "")
				return
			}
			findingtest.Expect(t, got, "False", v1alpha1.ReasonServiceNotRoutable, test.message)
		})
	}
}

func TestNothingIsReportedOfAServiceThatCannotBeUsedForAnotherReason(t *testing.T) {
	headless := serviceAt("None", corev1.ServicePort{Name: "https", Port: 443})
	for name, change := range map[string]func(*snapshot.Snapshot){
		"it could not be read": func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Known[snapshot.Endpoints]{} },
		"it is out of reach": func(s *snapshot.Snapshot) {
			s.OutOfReach = finding.Bad(v1alpha1.ReasonNamespaceNotAllowed, "", finding.Stalled)
		},
		"its namespace is terminating": func(s *snapshot.Snapshot) {
			s.Namespace = snapshot.Of(snapshot.Terminating, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := ownedBehind(headless)
			change(s)
			findingtest.Expect(t, Service(s), "", "", "")
		})
	}
}
