// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

func claimOf(version string, standing claims.Standing, kind holder.Kind) claims.Claim {
	return claims.Claim{
		GroupVersion: schema.GroupVersion{Group: "example.com", Version: version},
		Standing:     standing, Holder: holder.Holder{Kind: kind, Words: "the holder"},
	}
}

func TestClaimedTellsWhoHasWhatAndWhatToDo(t *testing.T) {
	free := claimOf("v1", claims.Granted, holder.Other)
	ofHelm := claimOf("v2", claims.HeldAdoptable, holder.HelmRelease)
	left := claimOf("v2", claims.HeldAdoptable, holder.EarlierExtensionAPI)
	splitting := claimOf("v2", claims.Held, holder.CustomResourceDefinition)
	splitting.Splits = true
	split := splitting
	split.Standing = claims.Contested
	for name, test := range map[string]struct {
		all    []claims.Claim
		policy v1alpha1.AdoptionPolicy
		status metav1.ConditionStatus
		reason string
		says   string
	}{
		"nobody has any": {
			[]claims.Claim{free, free}, v1alpha1.AdoptionNever, "True", v1alpha1.ReasonClaimed, "any of the 2 group-versions",
		},
		"one is held": {
			[]claims.Claim{free, claimOf("v2", claims.Held, holder.BuiltInGroup)},
			v1alpha1.AdoptionAdopt,
			"False", v1alpha1.ReasonHeldByBuiltInGroup, "v2.example.com belongs to the holder",
		},
		"two are held": {
			[]claims.Claim{ofHelm, ofHelm},
			v1alpha1.AdoptionNever,
			"False", v1alpha1.ReasonHeldByHelmRelease, "set spec.adoptionPolicy to DryRun, which tells what would change, " +
				"then to Adopt; or delete it where it comes from; or take the group-version out of spec.groups; and 1 more",
		},
		"a dry run": {
			[]claims.Claim{ofHelm},
			v1alpha1.AdoptionDryRun,
			"False", v1alpha1.ReasonHeldByHelmRelease, "status.apiServices tells what",
		},
		"one is taken over": {
			[]claims.Claim{free, ofHelm},
			v1alpha1.AdoptionAdopt,
			"True", v1alpha1.ReasonClaimed, "APIService v2.example.com of the holder is taken over in place as soon as",
		},
		"one is contested by a definition": {
			[]claims.Claim{claimOf("v1", claims.Contested, holder.CustomResourceDefinition), free},
			v1alpha1.AdoptionNever,
			"True", v1alpha1.ReasonContested, "so that it hides the objects of the holder. Delete",
		},
		"one is marked": {
			[]claims.Claim{claimOf("v1", claims.Contested, holder.OLM)},
			v1alpha1.AdoptionNever,
			"True", v1alpha1.ReasonContested, "marked as that of the holder, which may overwrite or delete it",
		},
		"one would split a group": {
			[]claims.Claim{free, splitting},
			v1alpha1.AdoptionNever,
			"False", v1alpha1.ReasonHeldByCustomResourceDefinition, "v2.example.com is not registered: its group belongs to " +
				"the holder. Take the group out of spec.groups; or set sharing: Allowed on it",
		},
		"one has split a group": {
			[]claims.Claim{split},
			v1alpha1.AdoptionNever,
			"True", v1alpha1.ReasonContested, "its group is split: it is also that of the holder",
		},
		"one was left by an earlier ExtensionAPI": {
			[]claims.Claim{left},
			v1alpha1.AdoptionNever,
			"False", v1alpha1.ReasonHeldByExtensionAPI, "Set spec.adoptionPolicy: Adopt to take it back",
		},
		"held weighs more than contested": {
			[]claims.Claim{claimOf("v1", claims.Contested, holder.OLM), claimOf("v2", claims.Held, holder.ExtensionAPI)},
			v1alpha1.AdoptionNever, "False", v1alpha1.ReasonHeldByExtensionAPI, "Take the group-version out of one of the two",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := Claimed(test.all, test.policy)
			if v.Status != test.status || v.Code != test.reason || !strings.Contains(v.Message, test.says) {
				t.Errorf("it is %s %s: %q", v.Status, v.Code, v.Message)
			}
		})
	}
}

func TestEveryKindOfHolderHasAReason(t *testing.T) {
	for kind := holder.Other; kind <= holder.EarlierExtensionAPI; kind++ {
		if heldReasons[kind] == "" {
			t.Errorf("kind %d has none", kind)
		}
	}
}
