// SPDX-License-Identifier: Apache-2.0

// Package claims decides who has a group-version.
//
// There can be one only: kube-apiserver has one APIService for each. Whoever has it registered keeps it, since clients
// rely on it. What nobody has registered is a CustomResourceDefinition's that names it, be it served or not, then that
// of the oldest ExtensionAPI that wants it; of two created in the same second, the first by name.
package claims

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

// Claimant is an ExtensionAPI.
type Claimant struct {
	Name    string
	Created time.Time
	Wants   []schema.GroupVersion
	// Namespace and Service are of the Service behind its APIServices.
	Namespace, Service string
	// Leaving tells that it is being deleted: it keeps what it has registered, and gets nothing more.
	Leaving bool
}

// precedes tells who comes first, and is the same for both sides.
func (c Claimant) precedes(other Claimant) bool {
	return cmp.Or(c.Created.Compare(other.Created), cmp.Compare(c.Name, other.Name)) < 0
}

func (c Claimant) competes(groupVersion schema.GroupVersion) bool {
	return !c.Leaving && slices.Contains(c.Wants, groupVersion)
}

// Definition is a version of a CustomResourceDefinition.
type Definition struct {
	Name         string
	GroupVersion schema.GroupVersion
	Served       bool
}

// World is what there is beside the claimant.
type World struct {
	// OwnerLabel names, on an APIService, the ExtensionAPI that registered it.
	OwnerLabel string
	// APIServices are the existing ones.
	APIServices map[schema.GroupVersion]*apiregistrationv1.APIService
	Definitions []Definition
	// Claimants are all ExtensionAPIs.
	Claimants []Claimant
}

// Standing is what a claim has come to.
type Standing int

const (
	// Granted means that nobody else has the group-version.
	Granted Standing = iota
	// Contested means that the claimant has it registered, and somebody else wants it, too.
	Contested
	// Held means that somebody else has it.
	Held
	// HeldAdoptable means that somebody else has it, but may be made to give it up.
	HeldAdoptable
)

// Claim is what a claimant's claim to a group-version has come to.
type Claim struct {
	GroupVersion schema.GroupVersion
	Standing     Standing
	// Holder is who else has it, or wants it.
	Holder holder.Holder
	// APIService is the existing one, nil when there is none.
	APIService *apiregistrationv1.APIService
}

// Of decides about a group-version that the claimant wants.
func Of(claimant Claimant, groupVersion schema.GroupVersion, world World) Claim {
	existing := world.APIServices[groupVersion]
	claim := Claim{GroupVersion: groupVersion, APIService: existing}
	definition, defined := world.definition(groupVersion)
	rival, preceded := world.precedent(claimant, groupVersion)
	registrant := claimant.registrantOf(existing, world.OwnerLabel)
	switch {
	case registrant == oneself && defined:
		claim.Standing, claim.Holder = Contested, definition
	case registrant == oneself:
		if marked, found := holder.Marked(existing); found {
			claim.Standing, claim.Holder = Contested, marked
		}
	case defined:
		claim.Standing, claim.Holder = Held, definition
	case registrant == somebodyElse:
		claim.Standing, claim.Holder = world.holderOf(existing)
		if claim.Standing == HeldAdoptable && preceded {
			claim.Standing = Held
			claim.Holder.Words += ", and " + rival.Words + ", wants it, too"
		}
	case preceded:
		claim.Standing, claim.Holder = Held, rival
	}
	return claim
}

// registrant is whose an APIService is.
type registrant int

const (
	nobody registrant = iota
	oneself
	somebodyElse
)

// registrantOf takes what has only lost the owner label, and still leads to the claimant's server, for nobody's.
func (c Claimant) registrantOf(existing *apiregistrationv1.APIService, ownerLabel string) registrant {
	switch {
	case existing == nil:
		return nobody
	case holder.IsAutoManaged(existing):
		return somebodyElse
	}
	switch {
	case existing.Labels[ownerLabel] == c.Name:
		return oneself
	case holder.IsUnmarked(existing, ownerLabel) && holder.AppliedByOperator(existing) && c.isBehind(existing):
		return nobody
	default:
		return somebodyElse
	}
}

func (c Claimant) isBehind(existing *apiregistrationv1.APIService) bool {
	service := existing.Spec.Service
	return service != nil && service.Namespace == c.Namespace && service.Name == c.Service
}

// holderOf tells whose an APIService is, and whether it may be taken over: not from kube-apiserver, and not from an
// ExtensionAPI that is there.
func (w World) holderOf(existing *apiregistrationv1.APIService) (Standing, holder.Holder) {
	h := holder.Of(existing, w.OwnerLabel)
	switch {
	case h.Kind == holder.BuiltInGroup || h.Kind == holder.Local:
		return Held, h
	case existing.Spec.Service == nil:
		h.Words = "kube-apiserver, which serves it itself: its APIService, that of " + h.Words + ", names no Service"
		return Held, holder.Holder{Kind: holder.Local, Words: h.Words}
	case h.Kind == holder.ExtensionAPI:
		return w.ownerOf(existing, h)
	default:
		return HeldAdoptable, h
	}
}

func (w World) ownerOf(existing *apiregistrationv1.APIService, h holder.Holder) (Standing, holder.Holder) {
	owner := existing.Labels[w.OwnerLabel]
	if slices.ContainsFunc(w.Claimants, func(c Claimant) bool { return c.Name == owner }) {
		h.Words += ", which has registered it"
		return Held, h
	}
	h.Words += ", which is gone and has left it"
	return HeldAdoptable, h
}

func (w World) definition(groupVersion schema.GroupVersion) (h holder.Holder, found bool) {
	for _, definition := range w.Definitions {
		if definition.GroupVersion != groupVersion {
			continue
		}
		h = holder.Holder{
			Kind:  holder.CustomResourceDefinition,
			Words: fmt.Sprintf("CustomResourceDefinition %q", definition.Name),
		}
		if !definition.Served {
			h.Words += ", which has the version, but does not serve it now"
		}
		return h, true
	}
	return holder.Holder{}, false
}

// precedent is the first of the ExtensionAPIs that come before the claimant.
func (w World) precedent(claimant Claimant, groupVersion schema.GroupVersion) (h holder.Holder, found bool) {
	first := claimant
	for _, other := range w.Claimants {
		if other.Name != claimant.Name && other.competes(groupVersion) && other.precedes(first) {
			first = other
		}
	}
	return holder.Holder{
		Kind: holder.ExtensionAPI,
		Words: fmt.Sprintf("ExtensionAPI %q, which is older (created %s)", first.Name,
			metav1.NewTime(first.Created).UTC().Format(time.RFC3339)),
	}, first.Name != claimant.Name
}
