// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// highestVersionPriority is that of the first version of a group; each further one has one less. CRDs use 100 too.
const highestVersionPriority = 100

// APIServices registers every group-version of an ExtensionAPI, trusting caBundle (PEM), in the order of the spec.
func APIServices(
	extensionAPI *v1alpha1.ExtensionAPI, caBundle []byte,
) []*apiregistration.APIServiceApplyConfiguration {
	backend := BackendOf(extensionAPI)
	var result []*apiregistration.APIServiceApplyConfiguration
	for _, group := range extensionAPI.Spec.Groups {
		for i, version := range group.Versions {
			result = append(result, apiregistration.APIService(version.Name+"."+group.Name).
				WithLabels(objectLabels(extensionAPI.Name)).
				WithSpec(apiregistration.APIServiceSpec().
					WithGroup(group.Name).
					WithVersion(version.Name).
					WithGroupPriorityMinimum(group.Priority).
					WithVersionPriority(int32(highestVersionPriority-i)).
					WithCABundle(caBundle...).
					// Said, so that somebody else's true is taken back; with it the API server would refuse a caBundle.
					WithInsecureSkipTLSVerify(false).
					WithService(apiregistration.ServiceReference().
						WithNamespace(backend.Namespace).
						WithName(backend.Name).
						WithPort(backend.Port))))
		}
	}
	return result
}
