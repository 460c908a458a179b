// SPDX-License-Identifier: Apache-2.0

// Package diagnosis says what is wrong, and what to do about it. It is pure: what it judges was read before, and what
// it finds is reported elsewhere.
package diagnosis

import (
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// Claimed reports the first group-version that another owner has, or else the first that another owner wants.
func Claimed(all []claims.Claim, policy v1alpha1.AdoptionPolicy) finding.Finding {
	var held, contested, adoptable []claims.Claim
	for _, claim := range all {
		switch {
		case IsHeld(claim, policy):
			held = append(held, claim)
		case claim.Standing == claims.HeldAdoptable:
			adoptable = append(adoptable, claim)
		case claim.Standing == claims.Contested:
			contested = append(contested, claim)
		}
	}
	switch {
	case len(held) > 0:
		return heldFinding(held[0], policy).withOthers(held)
	case len(contested) > 0:
		return contestedFinding(contested[0]).withOthers(contested)
	case len(adoptable) > 0:
		return claimFinding{finding.Good(v1alpha1.ReasonClaimed, fmt.Sprintf(
			"APIService %s of %s is adopted in place as soon as every ready replica answers discovery, see Registered",
			manifests.APIServiceName(adoptable[0].GroupVersion), adoptable[0].Owner))}.withOthers(adoptable)
	default:
		return finding.Good(v1alpha1.ReasonClaimed, fmt.Sprintf("no other owner has any of the %d group-versions", len(all)))
	}
}

// IsHeld reports whether the group-version must not be registered.
func IsHeld(claim claims.Claim, policy v1alpha1.AdoptionPolicy) bool {
	return claim.Standing == claims.Held ||
		claim.Standing == claims.HeldAdoptable && policy != v1alpha1.AdoptionAdopt
}

// claimFinding is of one claim.
type claimFinding struct{ finding.Finding }

// withOthers says how many more claims are alike.
func (f claimFinding) withOthers(alike []claims.Claim) finding.Finding {
	if len(alike) > 1 {
		f.Evidence += fmt.Sprintf("; and %d more, see status.apiServices", len(alike)-1)
	}
	return f.Finding
}

var heldReasons = map[ownership.Kind]string{
	ownership.BuiltInGroup:             v1alpha1.ReasonHeldByBuiltInGroup,
	ownership.CustomResourceDefinition: v1alpha1.ReasonHeldByCustomResourceDefinition,
	ownership.EarlierExtensionAPI:      v1alpha1.ReasonHeldByExtensionAPI,
	ownership.ExtensionAPI:             v1alpha1.ReasonHeldByExtensionAPI,
	ownership.HelmRelease:              v1alpha1.ReasonHeldByHelmRelease,
	ownership.Local:                    v1alpha1.ReasonHeldByLocalAPIService,
	ownership.OLM:                      v1alpha1.ReasonHeldByOLM,
	ownership.Other:                    v1alpha1.ReasonHeldByOther,
}

func heldFinding(claim claims.Claim, policy v1alpha1.AdoptionPolicy) claimFinding {
	found := finding.Bad(heldReasons[claim.Owner.Kind], "", finding.Stalled)
	name := manifests.APIServiceName(claim.GroupVersion)
	if claim.Splits {
		found.Evidence = fmt.Sprintf("%s is not registered: its group belongs to %s", name, claim.Owner)
		found.Remedy = "Remove the group from spec.groups; or set sharing: Allowed on it, which requires permission to " +
			"update CustomResourceDefinitions and APIServices"
		return claimFinding{found}
	}
	found.Evidence = fmt.Sprintf("%s is not registered: it belongs to %s", name, claim.Owner)
	found.Remedy = heldAdvice(claim, policy)
	if claim.Owner.Kind == ownership.CustomResourceDefinition {
		found.BlastRadius = "An APIService would hide the CRD's objects from every client"
	}
	return claimFinding{found}
}

// heldAdvice is what a user can do who wants the group-version nevertheless.
func heldAdvice(claim claims.Claim, policy v1alpha1.AdoptionPolicy) string {
	const giveUp = "remove the group-version from spec.groups"
	switch {
	case claim.Owner.Kind == ownership.BuiltInGroup:
		return "An extension API server cannot replace it: " + giveUp
	case claim.Owner.Kind == ownership.CustomResourceDefinition:
		return "If its objects are no longer needed, delete the CRD, which deletes them; otherwise " + giveUp
	case claim.Owner.Kind == ownership.EarlierExtensionAPI && policy == v1alpha1.AdoptionNever:
		return "Set spec.adoptionPolicy: Adopt to adopt it, with everything else that was orphaned and may still serve " +
			"requests"
	case claim.Standing == claims.HeldAdoptable && policy == v1alpha1.AdoptionDryRun:
		return "See status.apiServices for what spec.adoptionPolicy: Adopt would change"
	case claim.Standing == claims.HeldAdoptable:
		return "To adopt it in place, set spec.adoptionPolicy to DryRun, which reports what would change, then to Adopt; " +
			"or delete it at its source; or " + giveUp
	case claim.Owner.Kind == ownership.ExtensionAPI:
		return "Remove the group-version from one of the two"
	default:
		return "Delete it at its source, or " + giveUp
	}
}

func contestedFinding(claim claims.Claim) claimFinding {
	name := manifests.APIServiceName(claim.GroupVersion)
	found := finding.Good(v1alpha1.ReasonContested, "").Alarming()
	switch {
	case claim.Splits:
		found.Evidence = fmt.Sprintf("%s is registered for this ExtensionAPI, but its group is split: it also belongs to %s",
			name, claim.Owner)
		found.Remedy = "Remove the group from one of the two, or set sharing: Allowed on it in spec.groups"
	case claim.Owner.Kind == ownership.CustomResourceDefinition:
		found.Evidence = fmt.Sprintf("%s is served by this ExtensionAPI, and also defined by %s", name, claim.Owner)
		found.BlastRadius = "The CRD's objects are hidden from every client"
		found.Remedy = "Delete the CRD, or remove the group-version from spec.groups"
	default:
		found.Evidence = fmt.Sprintf("%s is registered for this ExtensionAPI, but marked as belonging to %s",
			name, claim.Owner)
		found.BlastRadius = "That owner may overwrite or delete it"
		found.Remedy = "Remove it there, then remove the labels, annotations and owner references that mark it"
	}
	return claimFinding{found}
}
