// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"reflect"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// changesBackend reports whether requests would go to another Service, or the server be refused that is trusted now. A
// bundle that only grows can do no harm.
func changesBackend(
	existing *apiregistrationv1.APIService, wanted *apiregistration.APIServiceApplyConfiguration,
) bool {
	return !pki.Covers(wanted.Spec.CABundle, existing.Spec.CABundle) || !SameService(existing, wanted)
}

// onlyDropsTrust reports whether the APIService is as it should be, but trusts more than it needs to.
func onlyDropsTrust(
	existing *apiregistrationv1.APIService, wanted *apiregistration.APIServiceApplyConfiguration,
) bool {
	return pki.Covers(existing.Spec.CABundle, wanted.Spec.CABundle) && SameService(existing, wanted) &&
		existing.Spec.GroupPriorityMinimum == *wanted.Spec.GroupPriorityMinimum &&
		existing.Spec.VersionPriority == *wanted.Spec.VersionPriority
}

// SameService reports whether requests are sent to the wanted Service.
func SameService(existing *apiregistrationv1.APIService, wanted *apiregistration.APIServiceApplyConfiguration) bool {
	return reflect.DeepEqual(existing.Spec.Service, serviceOf(wanted))
}

func serviceOf(configuration *apiregistration.APIServiceApplyConfiguration) *apiregistrationv1.ServiceReference {
	wanted := configuration.Spec.Service
	return &apiregistrationv1.ServiceReference{Namespace: *wanted.Namespace, Name: *wanted.Name, Port: wanted.Port}
}
