// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"cmp"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// highestVersionPriority is the default for the first version of a group; each further version has one less. CRDs also
// use 100.
const highestVersionPriority = 100

// APIServices returns the APIServices of all group-versions of an ExtensionAPI, with caBundle (PEM), in the order of
// the spec.
func APIServices(
	extensionAPI *v1alpha1.ExtensionAPI, caBundle []byte,
) []*apiregistration.APIServiceApplyConfiguration {
	var result []*apiregistration.APIServiceApplyConfiguration
	for _, group := range extensionAPI.Spec.Groups {
		for i, version := range group.Versions {
			groupVersion := schema.GroupVersion{Group: group.Name, Version: version.Name}
			priority := cmp.Or(version.VersionPriority, int32(highestVersionPriority-i))
			result = append(result, APIService(extensionAPI, groupVersion, group.GroupPriorityMinimum, priority, caBundle))
		}
	}
	return result
}

// APIService returns the APIService of one group-version, which need not be in the spec.
func APIService(
	extensionAPI *v1alpha1.ExtensionAPI, groupVersion schema.GroupVersion, groupPriority, versionPriority int32,
	caBundle []byte,
) *apiregistration.APIServiceApplyConfiguration {
	backend := BackendOf(extensionAPI)
	return apiregistration.APIService(APIServiceName(groupVersion)).
		WithLabels(objectLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(apiregistration.APIServiceSpec().
			WithGroup(groupVersion.Group).
			WithVersion(groupVersion.Version).
			WithGroupPriorityMinimum(groupPriority).
			WithVersionPriority(versionPriority).
			WithCABundle(caBundle...).
			// Set explicitly, so that another client's true is reverted; with it the API server would reject a caBundle.
			WithInsecureSkipTLSVerify(false).
			WithService(apiregistration.ServiceReference().
				WithNamespace(backend.Namespace).
				WithName(backend.Name).
				WithPort(backend.Port)))
}
