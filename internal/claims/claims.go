// SPDX-License-Identifier: Apache-2.0

// Package claims decides who has a group-version.
//
// There can be one only: kube-apiserver has one APIService for each. And a group is claimed as a whole: its versions
// are one API to clients, and whoever adds one to another's group may take its clients. Whoever has a version
// registered keeps it, since clients rely on it. Otherwise a group is a CustomResourceDefinition's that has any version
// of it, be it served or not, or Kubernetes', or that of the ExtensionAPI that has registered one; then that of the
// oldest that wants it, as long as it is not too old never to have served it; of two created in the same second, the
// first by name.
package claims

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

// Claimant is an ExtensionAPI.
type Claimant struct {
	holder.Owner
	Created time.Time
	Wants   []schema.GroupVersion
	// Shares are the groups of which others may have versions.
	Shares sets.Set[string]
	// Served are the groups that it served when it was looked at last.
	Served sets.Set[string]
	// Namespace and Service are of the Service behind its APIServices.
	Namespace, Service string
	// Leaving tells that it is being deleted: it keeps what it has registered, and gets nothing more.
	Leaving bool
}

// Definition is a version of a CustomResourceDefinition.
type Definition struct {
	Name         string
	GroupVersion schema.GroupVersion
	Served       bool
}

// World is what there is beside the claimant.
type World struct {
	Now time.Time
	// APIServices are at least the existing ones of the groups that are decided about.
	APIServices []*apiregistrationv1.APIService
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
	// Splits reports whether the holder has another version of the group, and not this one.
	Splits bool
	// Until is when the holder loses its precedence, zero where it does not.
	Until time.Time
	// APIService is the existing one, nil when there is none.
	APIService *apiregistrationv1.APIService
}

func (c Claim) with(standing Standing, o objection) Claim {
	c.Standing, c.Holder, c.Splits, c.Until = standing, o.Holder, o.splits, o.until
	return c
}

// Of decides about a group-version that the claimant wants.
func Of(claimant Claimant, groupVersion schema.GroupVersion, world World) Claim {
	claim := Claim{GroupVersion: groupVersion, APIService: world.apiService(groupVersion)}
	switch {
	case claim.APIService == nil:
		return world.ofFree(claimant, claim)
	case world.Owns(claimant, claim.APIService):
		return world.ofRegistered(claimant, claim)
	default:
		return world.ofForeign(claimant, claim)
	}
}

// ofFree decides about a group-version without an APIService.
func (w World) ofFree(claimant Claimant, claim Claim) Claim {
	if o, found := w.objection(claimant, claim.GroupVersion); found {
		return claim.with(Held, o)
	}
	return claim
}

// ofRegistered decides about what the claimant has registered.
func (w World) ofRegistered(claimant Claimant, claim Claim) Claim {
	if o, found := w.definition(claim.GroupVersion); found {
		return claim.with(Contested, o)
	}
	if marked, found := holder.Marked(claim.APIService); found {
		return claim.with(Contested, objection{Holder: marked})
	}
	if o, found := w.partner(claimant, claim.GroupVersion); found && !o.shares {
		return claim.with(Contested, o)
	}
	return claim
}

// ofForeign decides about a group-version that another owner has registered.
func (w World) ofForeign(claimant Claimant, claim Claim) Claim {
	if o, found := w.definition(claim.GroupVersion); found {
		return claim.with(Held, o)
	}
	standing, h := w.holderOf(claimant, claim.APIService)
	claim = claim.with(standing, objection{Holder: h})
	if o, found := w.objection(claimant, claim.GroupVersion); found && standing == HeldAdoptable {
		claim.Standing, claim.Until = Held, o.until
		claim.Holder.Words += ", and " + o.Words + ", stands in the way, too"
	}
	return claim
}

// holderOf tells whose an APIService is, and whether it may be taken over: not from kube-apiserver, and not from an
// ExtensionAPI that is there.
func (w World) holderOf(claimant Claimant, existing *apiregistrationv1.APIService) (Standing, holder.Holder) {
	h := claimant.HolderOf(existing)
	if isBuiltIn(h) {
		return Held, h
	}
	if existing.Spec.Service == nil {
		return Held, holder.OfKubernetes(holder.Local,
			"kube-apiserver, which serves it itself: its APIService, that of "+h.Words+", names no Service")
	}
	if owner, found := w.ownerOf(existing); found {
		return Held, holder.OfExtensionAPI(owner.Name, "which has registered it")
	}
	if h.Kind == holder.ExtensionAPI {
		h.Words += ", which is gone and has left it"
	}
	return HeldAdoptable, h
}

func isBuiltIn(h holder.Holder) bool { return h.Kind == holder.BuiltInGroup || h.Kind == holder.Local }

func (w World) apiService(groupVersion schema.GroupVersion) *apiregistrationv1.APIService {
	i := slices.IndexFunc(w.APIServices, func(apiService *apiregistrationv1.APIService) bool {
		return groupVersionOf(apiService) == groupVersion
	})
	if i < 0 {
		return nil
	}
	return w.APIServices[i]
}

func groupVersionOf(apiService *apiregistrationv1.APIService) schema.GroupVersion {
	return schema.GroupVersion{Group: apiService.Spec.Group, Version: apiService.Spec.Version}
}
