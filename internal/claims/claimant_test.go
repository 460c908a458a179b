// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// wanting is an ExtensionAPI of two versions of a group, created that long before noon.
func wanting(name string, age time.Duration) *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(noon.Add(-age)),
		},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{
				Name: group, Versions: []v1alpha1.APIVersion{{Name: "v1"}, {Name: "v2"}},
			}},
			ExistingService: &v1alpha1.ExistingService{Namespace: name, Name: name + "-service"},
		},
	}
}

func TestAnExtensionAPIThatServedAGroupWhenItWasLastObservedKeepsItsPrecedence(t *testing.T) {
	older, younger := wanting("older", time.Hour), wanting("younger", 0)
	for available, want := range map[metav1.ConditionStatus]Standing{
		metav1.ConditionTrue: Held, metav1.ConditionFalse: Granted, metav1.ConditionUnknown: Granted,
	} {
		older.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: "v1." + group, Available: available}}
		cluster := Snapshot{Now: noon, Claimants: []Claimant{ClaimantOf(older), ClaimantOf(younger)}}
		got := Of(ClaimantOf(younger), v2, cluster).Standing
		if got != want {
			t.Errorf("while the older one's was available %s, the claim is %s, want %s",
				available, standings[got], standings[want])
		}
	}
}

func TestAClaimantIsWhatTheExtensionAPIWants(t *testing.T) {
	extensionAPI := wanting("a", time.Hour)
	extensionAPI.Spec.Groups = append(extensionAPI.Spec.Groups, v1alpha1.APIGroup{
		Name: "shared.example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}}, Sharing: v1alpha1.SharingAllowed,
	})
	extensionAPI.Spec.AdoptionPolicy = v1alpha1.AdoptionAdopt
	got := ClaimantOf(extensionAPI)
	if want := (ownership.Identity{Name: "a", UID: "a", Adopts: true}); got.Identity != want {
		t.Errorf("the owner is %+v", got.Identity)
	}
	if !got.Created.Equal(noon.Add(-time.Hour)) || got.Namespace != "a" || got.Service != "a-service" || got.Terminating {
		t.Errorf("the claimant is %+v", got)
	}
	wants := []schema.GroupVersion{
		{Group: group, Version: "v1"}, {Group: group, Version: "v2"}, {Group: "shared.example.com", Version: "v1"},
	}
	if !slices.Equal(got.Wants, wants) {
		t.Errorf("it wants %v", got.Wants)
	}
	if got.Shares.Has(group) || !got.Shares.Has("shared.example.com") {
		t.Errorf("it shares %v", got.Shares)
	}
	if groups := GroupsOf(extensionAPI); groups.Len() != 2 || !groups.HasAll(group, "shared.example.com") {
		t.Errorf("its groups are %v", groups)
	}

	extensionAPI.DeletionTimestamp = new(metav1.NewTime(noon))
	if !ClaimantOf(extensionAPI).Terminating {
		t.Error("while it is deleted it still registers")
	}
}

func TestWhatAnotherOwnerServesDuringADryRunIsNotServedByTheClaimant(t *testing.T) {
	extensionAPI := wanting("a", time.Hour)
	extensionAPI.Status.APIServices = []v1alpha1.APIServiceStatus{{
		Name: "v1." + group, Available: metav1.ConditionTrue,
		AdoptionChanges: []v1alpha1.FieldChange{{Field: "spec.service"}},
	}}
	if got := ServedGroups(extensionAPI); got.Len() > 0 {
		t.Errorf("it serves %v", got)
	}
	extensionAPI.Status.APIServices[0].AdoptionChanges = nil
	if got := ServedGroups(extensionAPI); !got.Has(group) {
		t.Error("what it has registered is not served")
	}
}
