// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"strings"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// APIService reports why any APIService is unavailable, whoever owns it. Nothing is found of one that is available, or
// that kube-apiserver serves itself.
func APIService(apiService *apiregistrationv1.APIService) finding.Finding {
	condition := snapshot.Availability(apiService)
	if apiService.Spec.Service == nil || condition == nil || condition.Status == apiregistrationv1.ConditionTrue {
		return finding.Finding{}
	}
	found := unavailable(apiService, condition)
	found.Evidence += ", since " + pki.Timestamp(condition.LastTransitionTime.Time)
	if owner := ownership.Of(apiService); owner.Kind != ownership.Other {
		found.Evidence += fmt.Sprintf("; it belongs to %s", owner)
	}
	return found
}

// unavailable is what kube-apiserver reports of an APIService.
func unavailable(
	apiService *apiregistrationv1.APIService, reported *apiregistrationv1.APIServiceCondition,
) finding.Finding {
	reason := v1alpha1.ReasonNotReported
	if isReason(reported.Reason) {
		reason = reported.Reason
	}
	return finding.Bad(reason, fmt.Sprintf("kube-apiserver reports %s as unavailable: %s", apiService.Name,
		snapshot.Reported(reported)), finding.Working).
		Affecting("Namespace deletion and discovery are affected in the whole cluster").
		Advising(unavailableRemedy(apiService, reported))
}

// unavailableRemedy follows from kube-apiserver's reason (kube-aggregator pkg/controllers/status/remote).
func unavailableRemedy(
	apiService *apiregistrationv1.APIService, reported *apiregistrationv1.APIServiceCondition,
) string {
	service, reason := apiService.Spec.Service, reported.Reason
	if service == nil {
		return ""
	}
	switch {
	case reason == "ServiceNotFound", reason == "ServicePortError", reason == "ServiceAccessError":
		return fmt.Sprintf("Check its Service: kubectl -n %s get service %s -o yaml", service.Namespace, service.Name)
	case strings.Contains(reason, "Endpoints"):
		return fmt.Sprintf("Check why no Pod is ready: kubectl -n %s get endpointslices -l kubernetes.io/service-name=%s",
			service.Namespace, service.Name)
	case discovery.IsSentToProxy(reported.Message):
		return "Add the Service and Pod ranges of the cluster to NO_PROXY of every kube-apiserver, and restart it: it " +
			"sends requests for the server to the proxy in its HTTPS_PROXY"
	default:
		return fmt.Sprintf("Check the server behind Service %s/%s, its certificate, and network policies between "+
			"kube-apiserver and it", service.Namespace, service.Name)
	}
}
