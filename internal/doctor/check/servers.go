// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// service reports why kube-apiserver cannot send requests to a Service. That it does not exist is reported by orphaned.
func service(v *view.View) []Result {
	return ofServers(v, func(apiService view.APIService) finding.Finding {
		found, behind := routed(apiService)
		if behind == nil {
			return found
		}
		if _, ready := endpoints.Behind(behind.service, apiService.Port(), behind.slices()); len(ready) == 0 {
			return unready(apiService, behind)
		}
		return ok("")
	})
}

// route is the Service's port that requests go to.
type route struct {
	service *corev1.Service
	port    corev1.ServicePort
	backend *view.Backend
}

func (r *route) slices() []discoveryv1.EndpointSlice { return r.backend.EndpointSlices.Value() }

// routed returns the route, or why there is none.
func routed(apiService view.APIService) (finding.Finding, *route) {
	service, known := apiService.Backend.Service.Get()
	switch {
	case !known:
		return notChecked(apiService.Backend.Service.Err()), nil
	case service == nil:
		return finding.Finding{}, nil
	case service.Spec.Type == corev1.ServiceTypeExternalName:
		return ok(fmt.Sprintf("Service %s names a host outside of the cluster", apiService.Backend)), nil
	}
	port, found := endpoints.Port(service, apiService.Port())
	if !found {
		return broken(v1alpha1.ReasonServicePortNotFound, fmt.Sprintf("Service %s has no port %d", apiService.Backend,
			apiService.Port())).Affecting(wholeCluster).
			Advising("Correct the port in spec.service of the APIService, or add it to the Service: " +
				kubectl("-n %s edit service %s", service.Namespace, service.Name)), nil
	}
	if problem, advice := endpoints.Unroutable(service, port); problem != "" {
		return broken(v1alpha1.ReasonServiceNotRoutable, fmt.Sprintf("Service %s %s", apiService.Backend, problem)).
			Affecting(wholeCluster).Advising(fmt.Sprintf("To fix it, %s: %s", advice,
			kubectl("-n %s get service %s -o yaml", service.Namespace, service.Name))), nil
	}
	if !apiService.Backend.EndpointSlices.IsKnown() {
		return notChecked(apiService.Backend.EndpointSlices.Err()), nil
	}
	return finding.Finding{}, &route{service, port, apiService.Backend}
}

func unready(apiService view.APIService, behind *route) finding.Finding {
	if problem, advice := endpoints.Unmatched(behind.service, behind.port, behind.slices()); problem != "" {
		return broken(v1alpha1.ReasonServiceNotRoutable, fmt.Sprintf("Service %s %s", apiService.Backend, problem)).
			Affecting(wholeCluster).Advising("To fix it, " + advice)
	}
	return broken(v1alpha1.ReasonNoReadyEndpoints, fmt.Sprintf("Service %s has no ready endpoint", apiService.Backend)).
		Affecting(wholeCluster).
		Advising("Find out why no Pod is ready: " + lookAtPods(behind.service))
}

func lookAtPods(service *corev1.Service) string {
	if len(service.Spec.Selector) == 0 {
		return kubectl("-n %s get endpointslices -l kubernetes.io/service-name=%s", service.Namespace, service.Name)
	}
	return kubectl("-n %s describe pods -l %s", service.Namespace, labels.FormatLabels(service.Spec.Selector))
}

// replicas reports servers with a single ready replica.
func replicas(v *view.View) []Result {
	return ofServers(v, func(apiService view.APIService) finding.Finding {
		found, behind := routed(apiService)
		if behind == nil {
			return onlyUnknown(found)
		}
		switch _, ready := endpoints.Behind(behind.service, apiService.Port(), behind.slices()); len(ready) {
		case 0:
			return finding.Finding{} // reported by service
		case 1:
			return warning("", fmt.Sprintf("there is one ready replica, %s", ready[0])).
				Affecting("When it restarts, or its node is drained, every request fails, and no namespace can be deleted").
				Advising("Run two: " + scale(apiService))
		default:
			return ok(fmt.Sprintf("%d ready replicas", len(ready)))
		}
	})
}

// scale is the command that runs two replicas.
func scale(apiService view.APIService) string {
	if owner := apiService.Labels[manifests.OwnerLabel]; owner != "" {
		return kubectl("scale xapi %s --replicas 2", owner)
	}
	return kubectl("-n %s scale deployment NAME --replicas 2", apiService.Backend.Namespace)
}

// onlyUnknown keeps that something is unknown. What is wrong is reported by another check.
func onlyUnknown(found finding.Finding) finding.Finding {
	if found.Severity == 0 {
		return found
	}
	return finding.Finding{}
}

// disruptionBudget reports servers whose Pods can all be evicted at the same time.
func disruptionBudget(v *view.View) []Result {
	return ofPods(v, func(apiService view.APIService, pods []corev1.Pod) finding.Finding {
		budgets, known := apiService.Backend.Budgets.Get()
		switch {
		case !known:
			return notChecked(apiService.Backend.Budgets.Err())
		case slices.ContainsFunc(budgets, func(b policyv1.PodDisruptionBudget) bool { return covers(&b, pods) }):
			return ok("")
		}
		return warning("", "no PodDisruptionBudget selects its Pods").
			Affecting("Drains of nodes may evict all replicas at the same time; then every request fails").
			Advising("Create one: " + kubectl("-n %s create poddisruptionbudget %s --selector %s --max-unavailable 1",
				apiService.Backend.Namespace, apiService.Backend.Name,
				labels.FormatLabels(apiService.Backend.Service.Value().Spec.Selector)))
	})
}

func covers(budget *policyv1.PodDisruptionBudget, pods []corev1.Pod) bool {
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	return err == nil && !slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
		return !selector.Matches(labels.Set(pod.Labels))
	})
}
