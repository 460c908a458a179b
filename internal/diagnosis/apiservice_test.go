// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestAnUnavailableAPIServiceOfAnyOwnerIsReportedWithWhatToCheck(t *testing.T) {
	reported := func(reason string) apiregistrationv1.APIServiceCondition {
		condition := snapshottest.Available(apiregistrationv1.ConditionFalse, reason, "it fails")
		condition.LastTransitionTime = metav1.NewTime(noon)
		return condition
	}
	const remedies = "kubectl -n a get "
	for name, test := range map[string]struct {
		condition apiregistrationv1.APIServiceCondition
		reason    string
		message   string
	}{
		"no Service": {reported("ServiceNotFound"), "ServiceNotFound", remedies + "service b -o yaml"},
		"no endpoints": {
			reported("MissingEndpoints"), "MissingEndpoints", remedies + "endpointslices -l kubernetes.io/service-name=b",
		},
		"a failed check": {
			reported("FailedDiscoveryCheck"), "FailedDiscoveryCheck", "Check the server behind Service a/b, its certificate",
		},
		"a reason that conditions do not allow": {
			reported("no reason"), v1alpha1.ReasonNotReported, "Check the server behind Service a/b",
		},
		"a proxy that kube-apiserver uses": {
			func() apiregistrationv1.APIServiceCondition {
				condition := reported("FailedDiscoveryCheck")
				condition.Message = "proxyconnect tcp: it fails"
				return condition
			}(), "FailedDiscoveryCheck", "Add the Service and Pod ranges of the cluster to NO_PROXY",
		},
	} {
		t.Run(name, func(t *testing.T) {
			apiService := snapshottest.APIService(test.condition)
			apiService.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: "a", Name: "b"}
			got := APIService(apiService)
			findingtest.Expect(t, got, "False", test.reason, test.message)
			findingtest.Expect(t, got, "False", test.reason, "it fails, since 2026-01-01T12:00:00Z")
		})
	}
}

func TestNothingIsReportedOfAnAPIServiceThatIsAvailableOrHasNoService(t *testing.T) {
	passed := snapshottest.Available(apiregistrationv1.ConditionTrue, "Passed", "")
	available := snapshottest.APIService(passed)
	available.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: "a", Name: "b"}
	unchecked := available.DeepCopy()
	unchecked.Status.Conditions = nil
	for name, apiService := range map[string]*apiregistrationv1.APIService{
		"it is available":                     available,
		"it was not checked":                  unchecked,
		"kube-apiserver serves it, and fails": snapshottest.APIService(snapshottest.CheckFailed("it fails")),
	} {
		t.Run(name, func(t *testing.T) {
			findingtest.Expect(t, APIService(apiService), "", "", "")
		})
	}
}
