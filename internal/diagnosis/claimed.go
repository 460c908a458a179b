// SPDX-License-Identifier: Apache-2.0

// Package diagnosis says what is wrong, and what to do about it. It is pure: what it judges was read before, and what
// it finds is reported elsewhere.
package diagnosis

import (
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
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
		return finding.Bad(heldReasons[held[0].Holder.Kind], heldMessage(held[0], policy)+others(held), finding.Stalled)
	case len(contested) > 0:
		return finding.Good(v1alpha1.ReasonContested, contestedMessage(contested[0])+others(contested))
	case len(adoptable) > 0:
		return finding.Good(v1alpha1.ReasonClaimed, fmt.Sprintf(
			"APIService %s of %s is taken over in place as soon as every ready replica answers discovery, see Registered%s",
			manifests.APIServiceName(adoptable[0].GroupVersion), adoptable[0].Holder, others(adoptable)))
	default:
		return finding.Good(v1alpha1.ReasonClaimed, fmt.Sprintf("nobody else has any of the %d group-versions", len(all)))
	}
}

// IsHeld reports whether the group-version must not be registered.
func IsHeld(claim claims.Claim, policy v1alpha1.AdoptionPolicy) bool {
	return claim.Standing == claims.Held ||
		claim.Standing == claims.HeldAdoptable && policy != v1alpha1.AdoptionAdopt
}

func others(all []claims.Claim) string {
	if len(all) == 1 {
		return ""
	}
	return fmt.Sprintf("; and %d more, see status.apiServices", len(all)-1)
}

var heldReasons = map[holder.Kind]string{
	holder.BuiltInGroup:             v1alpha1.ReasonHeldByBuiltInGroup,
	holder.CustomResourceDefinition: v1alpha1.ReasonHeldByCustomResourceDefinition,
	holder.EarlierExtensionAPI:      v1alpha1.ReasonHeldByExtensionAPI,
	holder.ExtensionAPI:             v1alpha1.ReasonHeldByExtensionAPI,
	holder.HelmRelease:              v1alpha1.ReasonHeldByHelmRelease,
	holder.Local:                    v1alpha1.ReasonHeldByLocalAPIService,
	holder.OLM:                      v1alpha1.ReasonHeldByOLM,
	holder.Other:                    v1alpha1.ReasonHeldByOther,
}

func heldMessage(claim claims.Claim, policy v1alpha1.AdoptionPolicy) string {
	if claim.Splits {
		return fmt.Sprintf("%s is not registered: its group belongs to %s. Take the group out of spec.groups; or set "+
			"sharing: Allowed on it, which takes the rights to update CustomResourceDefinitions and APIServices",
			manifests.APIServiceName(claim.GroupVersion), claim.Holder)
	}
	return fmt.Sprintf("%s belongs to %s; it is left alone, and not registered. %s",
		manifests.APIServiceName(claim.GroupVersion), claim.Holder, heldAdvice(claim, policy))
}

// heldAdvice is what somebody can do who wants the group-version all the same.
func heldAdvice(claim claims.Claim, policy v1alpha1.AdoptionPolicy) string {
	const giveUp = "take the group-version out of spec.groups"
	switch {
	case claim.Holder.Kind == holder.BuiltInGroup:
		return "An extension API server cannot replace it: " + giveUp
	case claim.Holder.Kind == holder.CustomResourceDefinition:
		return "An APIService would hide the definition's objects from every client. If nobody needs them any more, delete " +
			"the definition, which deletes its objects; otherwise " + giveUp
	case claim.Holder.Kind == holder.EarlierExtensionAPI && policy == v1alpha1.AdoptionNever:
		return "Set spec.adoptionPolicy: Adopt to take it back, with everything else that was left; or delete it"
	case claim.Standing == claims.HeldAdoptable && policy == v1alpha1.AdoptionDryRun:
		return "status.apiServices tells what spec.adoptionPolicy: Adopt would change"
	case claim.Standing == claims.HeldAdoptable:
		return "To take it over in place, set spec.adoptionPolicy to DryRun, which tells what would change, then to Adopt; " +
			"or delete it where it comes from; or " + giveUp
	case claim.Holder.Kind == holder.ExtensionAPI:
		return "Take the group-version out of one of the two"
	default:
		return "Delete it where it comes from, or " + giveUp
	}
}

func contestedMessage(claim claims.Claim) string {
	name := manifests.APIServiceName(claim.GroupVersion)
	if claim.Holder.Kind == holder.CustomResourceDefinition && !claim.Splits {
		return fmt.Sprintf("%s is served by this ExtensionAPI, so that it hides the objects of %s. "+
			"Delete the definition, or take the group-version out of spec.groups", name, claim.Holder)
	}
	if claim.Splits {
		return fmt.Sprintf("%s is registered for this ExtensionAPI, but its group is split: it is also that of %s. Take the "+
			"group out of one of the two, or set sharing: Allowed on it in spec.groups", name, claim.Holder)
	}
	return fmt.Sprintf("%s is registered for this ExtensionAPI, but is marked as that of %s, which may overwrite or "+
		"delete it. Take it out there, then remove the labels, annotations and owner references that mark it",
		name, claim.Holder)
}
