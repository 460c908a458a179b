// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

func claimOf(version string, standing claims.Standing, kind ownership.Kind) claims.Claim {
	return claims.Claim{
		GroupVersion: schema.GroupVersion{Group: "example.com", Version: version},
		Standing:     standing, Owner: ownership.Owner{Kind: kind, Words: "the other owner"},
	}
}

func TestClaimedNamesTheOtherOwnerAndWhatToDo(t *testing.T) {
	free := claimOf("v1", claims.Granted, ownership.Other)
	ofHelm := claimOf("v2", claims.HeldAdoptable, ownership.HelmRelease)
	left := claimOf("v2", claims.HeldAdoptable, ownership.EarlierExtensionAPI)
	splitting := claimOf("v2", claims.Held, ownership.CustomResourceDefinition)
	splitting.Splits = true
	split := splitting
	split.Standing = claims.Contested
	for name, test := range map[string]struct {
		all      []claims.Claim
		policy   v1alpha1.AdoptionPolicy
		status   metav1.ConditionStatus
		reason   string
		messages []string
	}{
		"no other owner has any": {
			[]claims.Claim{free, free},
			v1alpha1.AdoptionNever, "True", v1alpha1.ReasonClaimed,
			[]string{"any of the 2 group-versions"},
		},
		"one belongs to another owner": {
			[]claims.Claim{free, claimOf("v2", claims.Held, ownership.BuiltInGroup)},
			v1alpha1.AdoptionAdopt,
			"False", v1alpha1.ReasonHeldByBuiltInGroup,
			[]string{
				"v2.example.com is not registered: it belongs to the other owner.",
				"cannot replace it: remove the group-version from spec.groups.",
			},
		},
		"one belongs to a definition": {
			[]claims.Claim{claimOf("v1", claims.Held, ownership.CustomResourceDefinition)},
			v1alpha1.AdoptionNever,
			"False", v1alpha1.ReasonHeldByCustomResourceDefinition,
			[]string{"would hide the CRD's objects from every client", "delete the CRD, which deletes them"},
		},
		"two belong to another owner": {
			[]claims.Claim{ofHelm, ofHelm},
			v1alpha1.AdoptionNever,
			"False", v1alpha1.ReasonHeldByHelmRelease,
			[]string{
				"; and 1 more, see status.apiServices",
				"set spec.adoptionPolicy to DryRun, which reports what would change, then to Adopt; or delete it at its source; " +
					"or remove the group-version from spec.groups",
			},
		},
		"a dry run": {
			[]claims.Claim{ofHelm},
			v1alpha1.AdoptionDryRun,
			"False", v1alpha1.ReasonHeldByHelmRelease,
			[]string{"See status.apiServices for what spec.adoptionPolicy: Adopt would change"},
		},
		"one is adopted": {
			[]claims.Claim{free, ofHelm},
			v1alpha1.AdoptionAdopt,
			"True", v1alpha1.ReasonClaimed,
			[]string{"APIService v2.example.com of the other owner is adopted in place as soon as"},
		},
		"one is contested by a definition": {
			[]claims.Claim{claimOf("v1", claims.Contested, ownership.CustomResourceDefinition), free},
			v1alpha1.AdoptionNever,
			"True", v1alpha1.ReasonContested,
			[]string{
				"v1.example.com is served by this ExtensionAPI, and also defined by the other owner. The CRD's objects " +
					"are hidden from every client. Delete the CRD",
			},
		},
		"one is marked": {
			[]claims.Claim{claimOf("v1", claims.Contested, ownership.OLM)},
			v1alpha1.AdoptionNever,
			"True", v1alpha1.ReasonContested,
			[]string{"marked as belonging to the other owner. That owner may overwrite or delete it."},
		},
		"one would split a group": {
			[]claims.Claim{free, splitting},
			v1alpha1.AdoptionNever,
			"False", v1alpha1.ReasonHeldByCustomResourceDefinition,
			[]string{
				"v2.example.com is not registered: its group belongs to the other owner. Remove the group from spec.groups; or " +
					"set sharing: Allowed on it",
			},
		},
		"one has split a group": {
			[]claims.Claim{split},
			v1alpha1.AdoptionNever,
			"True", v1alpha1.ReasonContested,
			[]string{"its group is split: it also belongs to the other owner"},
		},
		"one was orphaned by an earlier ExtensionAPI": {
			[]claims.Claim{left},
			v1alpha1.AdoptionNever,
			"False", v1alpha1.ReasonHeldByExtensionAPI,
			[]string{"Set spec.adoptionPolicy: Adopt to adopt it"},
		},
		"one belongs to another owner, and one is contested": {
			[]claims.Claim{claimOf("v1", claims.Contested, ownership.OLM), claimOf("v2", claims.Held, ownership.ExtensionAPI)},
			v1alpha1.AdoptionNever, "False", v1alpha1.ReasonHeldByExtensionAPI,
			[]string{"Remove the group-version from one of the two"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Claimed(test.all, test.policy)
			for _, message := range test.messages {
				findingtest.Expect(t, got, test.status, test.reason, message)
			}
			if contested := test.reason == v1alpha1.ReasonContested; got.IsWarning() != (contested || test.status == "False") {
				t.Errorf("it is a warning: %t", got.IsWarning())
			}
		})
	}
}

func TestEveryKindOfOwnerHasAReason(t *testing.T) {
	for kind := ownership.Other; kind <= ownership.EarlierExtensionAPI; kind++ {
		if heldReasons[kind] == "" {
			t.Errorf("kind %d has none", kind)
		}
	}
}
