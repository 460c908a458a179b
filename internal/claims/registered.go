// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// Owns reports whether the claimant has registered the APIService. An APIService that has lost all marks belongs to the
// oldest of the ExtensionAPIs whose Service it references and that want it, or else to the oldest of them.
func (w Snapshot) Owns(claimant Claimant, apiService *apiregistrationv1.APIService) bool {
	switch claimant.Ownership(apiService) {
	case ownership.Owned:
		return true
	case ownership.Adopted:
		// What it does not want stays orphaned: deleting it requires a permission that adopting does not.
		return slices.Contains(claimant.Wants, groupVersionOf(apiService))
	case ownership.Unmarked:
		return w.isBehind(claimant, apiService) && !slices.ContainsFunc(w.Claimants, func(other Claimant) bool {
			return w.isBehind(other, apiService) && other.takesPrecedence(groupVersionOf(apiService), claimant)
		})
	default:
		return false
	}
}

// RegisteredBy returns the APIServices that the claimant has registered, including those that it no longer wants.
func (w Snapshot) RegisteredBy(claimant Claimant) []*apiregistrationv1.APIService {
	var result []*apiregistrationv1.APIService
	for _, apiService := range w.APIServices {
		if w.Owns(claimant, apiService) {
			result = append(result, apiService)
		}
	}
	return result
}

// ownerOf returns the ExtensionAPI that has registered the APIService.
func (w Snapshot) ownerOf(apiService *apiregistrationv1.APIService) (owner Claimant, found bool) {
	i := slices.IndexFunc(w.Claimants, func(claimant Claimant) bool { return w.Owns(claimant, apiService) })
	if i < 0 {
		return Claimant{}, false
	}
	return w.Claimants[i], true
}

func (c Claimant) takesPrecedence(groupVersion schema.GroupVersion, other Claimant) bool {
	wants, otherWants := slices.Contains(c.Wants, groupVersion), slices.Contains(other.Wants, groupVersion)
	if wants != otherWants {
		return wants
	}
	return c.precedes(other)
}

// isBehind reports whether an APIService leads to the server of the claimant, or to the stand-in for it.
func (w Snapshot) isBehind(claimant Claimant, apiService *apiregistrationv1.APIService) bool {
	return claimant.isBehind(apiService) ||
		w.StandIn.IsBackendOf(apiService) && slices.Contains(claimant.Wants, groupVersionOf(apiService))
}

func (c Claimant) isBehind(apiService *apiregistrationv1.APIService) bool {
	service := apiService.Spec.Service
	return service != nil && service.Namespace == c.Namespace && service.Name == c.Service
}
