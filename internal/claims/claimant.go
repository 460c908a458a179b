// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// ClaimantOf returns what an ExtensionAPI claims.
func ClaimantOf(extensionAPI *v1alpha1.ExtensionAPI) Claimant {
	backend := manifests.BackendOf(extensionAPI)
	shares := sets.New[string]()
	for _, group := range extensionAPI.Spec.Groups {
		if group.Sharing == v1alpha1.SharingAllowed {
			shares.Insert(group.Name)
		}
	}
	return Claimant{
		Identity:    ownership.IdentityOf(extensionAPI),
		Created:     extensionAPI.CreationTimestamp.Time,
		Wants:       manifests.GroupVersions(extensionAPI),
		Shares:      shares,
		Served:      ServedGroups(extensionAPI),
		Terminating: !extensionAPI.DeletionTimestamp.IsZero(),

		Namespace: backend.Namespace,
		Service:   backend.Name,
	}
}

// ServedGroups are those of which a version of its own was available when the status was written.
func ServedGroups(extensionAPI *v1alpha1.ExtensionAPI) sets.Set[string] {
	groups := sets.New[string]()
	for _, apiService := range extensionAPI.Status.APIServices {
		if apiService.Available == metav1.ConditionTrue && len(apiService.AdoptionChanges) == 0 {
			_, group, _ := strings.Cut(apiService.Name, ".")
			groups.Insert(group)
		}
	}
	return groups
}

// GroupsOf are the names of the groups in the spec.
func GroupsOf(extensionAPI *v1alpha1.ExtensionAPI) sets.Set[string] {
	groups := sets.New[string]()
	for _, group := range extensionAPI.Spec.Groups {
		groups.Insert(group.Name)
	}
	return groups
}
