// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// ExistingService speaks of an existing backend.
func ExistingService(
	backend manifests.Backend, service *corev1.Service, endpointSlices []discoveryv1.EndpointSlice, ready int,
) finding.Finding {
	name := backend.Key()
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return finding.Good(v1alpha1.ReasonEndpointsReady,
			fmt.Sprintf("Service %s names the host %s", name, service.Spec.ExternalName))
	}
	port, found := endpoints.Port(service, backend.Port)
	if !found {
		return finding.Bad(v1alpha1.ReasonServicePortNotFound, fmt.Sprintf(
			"Service %s has no port %d; correct spec.existingService.port", name, backend.Port), finding.Stalled)
	}
	if problem, advice := endpoints.Unroutable(service, port); problem != "" {
		return notRoutable(backend, problem, advice)
	}
	if ready > 0 {
		return finding.Good(v1alpha1.ReasonEndpointsReady, fmt.Sprintf("Service %s has %d ready endpoints", name, ready))
	}
	if problem, advice := endpoints.Unmatched(service, port, endpointSlices); problem != "" {
		return notRoutable(backend, problem, advice)
	}
	return finding.Bad(v1alpha1.ReasonNoReadyEndpoints, fmt.Sprintf(
		"Service %s has no ready endpoint; look at the Pods behind it", name), finding.Working)
}

// OwnService speaks of the operator's own Service; it has a reason only where a person must help.
func OwnService(backend manifests.Backend, service *corev1.Service, pods []corev1.Pod) finding.Finding {
	port, found := endpoints.Port(service, backend.Port)
	if !found || service.Spec.Type == corev1.ServiceTypeExternalName {
		return finding.Finding{} // the operator repairs it
	}
	if problem, _ := endpoints.Unroutable(service, port); problem != "" {
		return notRoutable(backend, problem, fmt.Sprintf(
			"delete it, and the operator creates another: kubectl -n %s delete service %s", backend.Namespace, backend.Name))
	}
	if ready := readyAddresses(pods); len(ready) > 0 &&
		!slices.ContainsFunc(ready, func(address string) bool { return endpoints.InFamily(service, address) }) {
		return notRoutable(backend, fmt.Sprintf("has the ClusterIP %s, but its ready Pods have only addresses like %s",
			service.Spec.ClusterIP, ready[0]), "run them in a network of the same IP family")
	}
	return finding.Finding{}
}

func readyAddresses(pods []corev1.Pod) []string {
	var addresses []string
	for i := range pods {
		if !workload.IsReady(&pods[i]) {
			continue
		}
		for _, address := range pods[i].Status.PodIPs {
			addresses = append(addresses, address.IP)
		}
	}
	return addresses
}

func notRoutable(backend manifests.Backend, problem, advice string) finding.Finding {
	return finding.Bad(v1alpha1.ReasonServiceNotRoutable,
		fmt.Sprintf("Service %s %s; %s. Until then nothing new is registered: "+
			"an API that kube-apiserver cannot reach keeps every namespace from being deleted",
			backend.Key(), problem, advice), finding.Stalled)
}
