// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"testing"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestEachGroupVersionOfTheSpecIsClaimedInItsOrder(t *testing.T) {
	extensionAPI := snapshottest.New().ExtensionAPI
	extensionAPI.Spec.Groups[0].Versions = append(extensionAPI.Spec.Groups[0].Versions, v1alpha1.APIVersion{Name: "v0"})
	cluster := claims.Snapshot{Now: noon, Claimants: []claims.Claimant{claims.ClaimantOf(extensionAPI)}}
	got := claimsOf(cluster, extensionAPI)
	wants := manifests.GroupVersions(extensionAPI)
	if len(got) != len(wants) {
		t.Fatalf("there are %d claims to %v", len(got), wants)
	}
	for i, want := range wants {
		if got[i].GroupVersion != want || got[i].Standing != claims.Granted {
			t.Errorf("claim %d is %+v, want one to %s", i, got[i], want)
		}
	}
}

func TestRegisteredAPIServicesAreCopied(t *testing.T) {
	s := snapshottest.New()
	cached := s.Existing(snapshottest.GroupVersion)
	cached.Labels = map[string]string{manifests.OwnerLabel: s.Name}
	cached.Annotations = map[string]string{manifests.UIDAnnotation: string(s.UID)}
	other := snapshottest.APIService()
	other.Name = "v1.other.example.com"
	cluster := claims.Snapshot{
		Now: noon, APIServices: []*apiregistrationv1.APIService{cached, other},
		Claimants: []claims.Claimant{claims.ClaimantOf(s.ExtensionAPI)},
	}
	got := registeredBy(cluster, s.ExtensionAPI)
	own := got[snapshottest.APIServiceName]
	if len(got) != 1 || own == nil || !ownership.IdentityOf(s.ExtensionAPI).Owns(own) {
		t.Fatalf("registered are %v", got)
	}
	own.Labels[manifests.OwnerLabel] = "changed"
	if cached.Labels[manifests.OwnerLabel] != s.Name {
		t.Error("what the cache has was changed")
	}
}
