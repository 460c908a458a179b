// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

// Owns reports whether the claimant has registered the APIService. Of the ExtensionAPIs to whose Service one leads that
// has lost every mark, it is that of the oldest that wants it, or else of the oldest.
func (w World) Owns(claimant Claimant, apiService *apiregistrationv1.APIService) bool {
	switch claimant.Ownership(apiService) {
	case holder.Owned:
		return true
	case holder.Adopted:
		// What it does not want stays left: to delete it takes a right that adopting does not.
		return slices.Contains(claimant.Wants, groupVersionOf(apiService))
	case holder.Unmarked:
		return claimant.isBehind(apiService) && !slices.ContainsFunc(w.Claimants, func(other Claimant) bool {
			return other.isBehind(apiService) && other.isNearerTo(groupVersionOf(apiService), claimant)
		})
	default:
		return false
	}
}

// RegisteredBy returns the APIServices that the claimant has registered, also those that it does not want any more.
func (w World) RegisteredBy(claimant Claimant) []*apiregistrationv1.APIService {
	var result []*apiregistrationv1.APIService
	for _, apiService := range w.APIServices {
		if w.Owns(claimant, apiService) {
			result = append(result, apiService)
		}
	}
	return result
}

// ownerOf returns the ExtensionAPI that has registered the APIService.
func (w World) ownerOf(apiService *apiregistrationv1.APIService) (owner Claimant, found bool) {
	i := slices.IndexFunc(w.Claimants, func(claimant Claimant) bool { return w.Owns(claimant, apiService) })
	if i < 0 {
		return Claimant{}, false
	}
	return w.Claimants[i], true
}

func (c Claimant) isNearerTo(groupVersion schema.GroupVersion, other Claimant) bool {
	wants, otherWants := slices.Contains(c.Wants, groupVersion), slices.Contains(other.Wants, groupVersion)
	if wants != otherWants {
		return wants
	}
	return c.precedes(other)
}

func (c Claimant) isBehind(apiService *apiregistrationv1.APIService) bool {
	service := apiService.Spec.Service
	return service != nil && service.Namespace == c.Namespace && service.Name == c.Service
}
