// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Service reports why kube-apiserver cannot route to the Service, or, of another owner's, whether it has ready
// endpoints. Nothing is found of the operator's own Service where no user has to act.
func Service(s *snapshot.Snapshot) finding.Finding {
	behind, known := s.Endpoints.Get()
	switch {
	case !known || !s.InReach():
		return finding.Finding{}
	case s.Spec.ExistingService == nil:
		return ownService(s, behind)
	case refusesExternalName(s):
		return externalNameNotRouted(s.Backend)
	case behind.Service == nil:
		return finding.Bad(v1alpha1.ReasonServiceNotFound, fmt.Sprintf("Service %s does not exist", s.Backend.Key()),
			finding.Working).Advising("Create it, or correct spec.existingService")
	default:
		return existingService(s.Backend, behind)
	}
}

// Unroutable reports why kube-apiserver cannot route to the Service.
func Unroutable(s *snapshot.Snapshot) finding.Finding {
	found := Service(s)
	if found.Code == v1alpha1.ReasonServiceNotRoutable || found.Code == v1alpha1.ReasonExternalNameNotRoutable {
		return found
	}
	return finding.Finding{}
}

func existingService(backend manifests.Backend, behind snapshot.Endpoints) finding.Finding {
	name, service := backend.Key(), behind.Service
	if behind.IsExternal() {
		return finding.Good(v1alpha1.ReasonEndpointsReady,
			fmt.Sprintf("Service %s names the host %s", name, service.Spec.ExternalName))
	}
	port, found := endpoints.Port(service, backend.Port)
	if !found {
		return finding.Bad(v1alpha1.ReasonServicePortNotFound, fmt.Sprintf("Service %s has no port %d", name, backend.Port),
			finding.Stalled).Advising("Correct spec.existingService.port")
	}
	if problem, advice := endpoints.Unroutable(service, port); problem != "" {
		return notRoutable(backend, problem, advice)
	}
	if ready := len(behind.Ready); ready > 0 {
		return finding.Good(v1alpha1.ReasonEndpointsReady, fmt.Sprintf("Service %s has %d ready endpoints", name, ready))
	}
	if problem, advice := endpoints.Unmatched(service, port, behind.EndpointSlices); problem != "" {
		return notRoutable(backend, problem, advice)
	}
	return finding.Bad(v1alpha1.ReasonNoReadyEndpoints, fmt.Sprintf("Service %s has no ready endpoint", name),
		finding.Working).Advising(fmt.Sprintf("Inspect its Pods: kubectl -n %s describe endpointslices -l "+
		"kubernetes.io/service-name=%s", backend.Namespace, backend.Name))
}

func ownService(s *snapshot.Snapshot, behind snapshot.Endpoints) finding.Finding {
	service := behind.Service
	if service == nil || !s.IsActive() {
		return finding.Finding{}
	}
	port, found := endpoints.Port(service, s.Backend.Port)
	if !found || behind.IsExternal() {
		return finding.Finding{} // the operator repairs it
	}
	if problem, _ := endpoints.Unroutable(service, port); problem != "" {
		return notRoutable(s.Backend, problem, fmt.Sprintf("delete it, and the operator recreates it: "+
			"kubectl -n %s delete service %s", s.Backend.Namespace, s.Backend.Name))
	}
	if ready := readyAddresses(s.Server.Value().Pods); len(ready) > 0 &&
		!slices.ContainsFunc(ready, func(address string) bool { return endpoints.InFamily(service, address) }) {
		return notRoutable(s.Backend, fmt.Sprintf("has the ClusterIP %s, but its ready Pods have only addresses like %s",
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

// notRoutable takes a problem as the predicate of the Service, and an advice without a capital letter.
func notRoutable(backend manifests.Backend, problem, advice string) finding.Finding {
	return finding.Bad(v1alpha1.ReasonServiceNotRoutable, fmt.Sprintf("Service %s %s", backend.Key(), problem),
		finding.Stalled).
		Affecting("Nothing new is registered: an API that kube-apiserver cannot reach blocks the deletion of every " +
			"namespace").
		Advising("To fix it, " + advice)
}
