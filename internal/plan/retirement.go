// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Retirement is what to do about the APIServices of group-versions that are not in the spec any more, or about all when
// their server has to go.
type Retirement struct {
	// Unwanted are deleted, and Kept are not.
	Unwanted, Kept []*apiregistrationv1.APIService
	// KeepUp is applied to those that are deleted only after their successors have come.
	KeepUp []KeptUp
	// Count reports whether the objects that become unreachable are counted before. In a namespace that is being deleted
	// there is no time to: not even spec.suspend may keep other namespaces from being deleted.
	Count bool
}

// KeptUp is an APIService, and what it should be until it is deleted.
type KeptUp struct {
	Existing *apiregistrationv1.APIService
	Wanted   *apiregistration.APIServiceApplyConfiguration
}

func retirement(
	s *snapshot.Snapshot, registered map[string]*apiregistrationv1.APIService, wanted map[string]bool, trust []byte,
) Retirement {
	r := Retirement{Count: s.IsActive()}
	for _, apiService := range snapshot.InOrder(registered) {
		switch {
		case wanted[apiService.Name]:
			r.Kept = append(r.Kept, apiService)
		case awaitsSuccessor(s, apiService, registered):
			r.Kept = append(r.Kept, apiService)
			r.KeepUp = append(r.KeepUp, keptUp(s, apiService, trust)...)
		default:
			r.Unwanted = append(r.Unwanted, apiService)
		}
	}
	return r
}

// awaitsSuccessor reports whether an APIService is one of the last by which its group is served, and a version is still
// to be registered that replaces it. To the garbage collector, owners in a group that is gone would look gone.
func awaitsSuccessor(
	s *snapshot.Snapshot, apiService *apiregistrationv1.APIService, registered map[string]*apiregistrationv1.APIService,
) bool {
	if !s.IsActive() || !snapshot.IsAvailable(apiService) {
		return false
	}
	awaited := false
	for _, claim := range s.Claims.Value() {
		if claim.GroupVersion.Group != apiService.Spec.Group || isHeld(s, claim) {
			continue
		}
		if registered[manifests.APIServiceName(claim.GroupVersion)] != nil {
			return false
		}
		awaited = true
	}
	return awaited
}

// keptUp makes an APIService that is to be deleted trust what the others do, as long as that takes nothing from it.
func keptUp(s *snapshot.Snapshot, apiService *apiregistrationv1.APIService, trust []byte) []KeptUp {
	spec := apiService.Spec
	wanted := manifests.APIService(s.ExtensionAPI, schema.GroupVersion{Group: spec.Group, Version: spec.Version},
		spec.GroupPriorityMinimum, spec.VersionPriority, trust)
	if s.StandIn.Serves(apiService) { // the new server may serve it, or nobody does
		wanted.Spec.CABundle = reconnect.Remark(trust, s.Now)
		return []KeptUp{{apiService, wanted}}
	}
	if !pki.Covers(trust, spec.CABundle) || !SameService(apiService, wanted) {
		return nil
	}
	return []KeptUp{{apiService, wanted}}
}
