// SPDX-License-Identifier: Apache-2.0

// Package claims decides which owner has a group-version.
//
// There can be only one: kube-apiserver has one APIService for each group-version. A group is claimed as a whole: its
// versions are one API to clients, and an owner that adds a version to another owner's group may divert its clients. An
// owner that has registered a version keeps it, since clients rely on it. Otherwise a group belongs to a
// CustomResourceDefinition that has any version of it, whether served or not, to Kubernetes, or to the ExtensionAPI
// that has registered one; then to the oldest ExtensionAPI that wants it, unless its precedence has lapsed because it
// has never served it; of two that were created in the same second, to the first by name.
package claims

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// Claimant is an ExtensionAPI.
type Claimant struct {
	ownership.Identity
	Created time.Time
	Wants   []schema.GroupVersion
	// Shares are the groups of which other owners may have versions.
	Shares sets.Set[string]
	// Served are the groups that it served when it was last observed.
	Served sets.Set[string]
	// Namespace and Service identify the Service behind its APIServices.
	Namespace, Service string
	// Terminating is true if it is being deleted: it keeps the group-versions that it has registered, and gets no more.
	Terminating bool
}

// Definition is a version of a CustomResourceDefinition.
type Definition struct {
	Name         string
	GroupVersion schema.GroupVersion
	Served       bool
}

// Snapshot is the state of the cluster that claims are decided by.
type Snapshot struct {
	Now time.Time
	// APIServices includes at least all existing ones of the groups in question.
	APIServices []*apiregistrationv1.APIService
	Definitions []Definition
	// Claimants are all ExtensionAPIs.
	Claimants []Claimant
	// StandIn is the Service that APIServices lead to while no replica of their server answers.
	StandIn manifests.Backend
}

// Standing is the outcome of a claim.
type Standing int

const (
	// Granted means that no other owner has the group-version.
	Granted Standing = iota
	// Contested means that the claimant has registered it, and another owner also wants it.
	Contested
	// Held means that another owner has it.
	Held
	// HeldAdoptable means that another owner has it, but the claimant may adopt it.
	HeldAdoptable
)

// Claim is the result of a claimant's claim to a group-version.
type Claim struct {
	GroupVersion schema.GroupVersion
	Standing     Standing
	// Owner is the other owner that has it, or wants it.
	Owner ownership.Owner
	// Splits reports whether that owner has another version of the group, and not this one.
	Splits bool
	// Until is when that owner's precedence lapses, zero if it does not.
	Until time.Time
	// APIService is the existing one, nil if there is none.
	APIService *apiregistrationv1.APIService
}

func (c Claim) with(standing Standing, o conflict) Claim {
	c.Standing, c.Owner, c.Splits, c.Until = standing, o.Owner, o.splits, o.until
	return c
}

// Of decides the claim to a group-version that the claimant wants.
func Of(claimant Claimant, groupVersion schema.GroupVersion, cluster Snapshot) Claim {
	claim := Claim{GroupVersion: groupVersion, APIService: cluster.apiService(groupVersion)}
	switch {
	case claim.APIService == nil:
		return cluster.ofFree(claimant, claim)
	case cluster.Owns(claimant, claim.APIService):
		return cluster.ofRegistered(claimant, claim)
	default:
		return cluster.ofForeign(claimant, claim)
	}
}

// ofFree decides the claim to a group-version without an APIService.
func (w Snapshot) ofFree(claimant Claimant, claim Claim) Claim {
	if o, found := w.conflict(claimant, claim.GroupVersion); found {
		return claim.with(Held, o)
	}
	return claim
}

// ofRegistered decides the claim to a group-version that the claimant has registered.
func (w Snapshot) ofRegistered(claimant Claimant, claim Claim) Claim {
	if o, found := w.definition(claim.GroupVersion); found {
		return claim.with(Contested, o)
	}
	if marked, found := ownership.MarkedOwner(claim.APIService); found {
		return claim.with(Contested, conflict{Owner: marked})
	}
	if o, found := w.groupOwner(claimant, claim.GroupVersion); found && !o.shares {
		return claim.with(Contested, o)
	}
	return claim
}

// ofForeign decides the claim to a group-version that another owner has registered.
func (w Snapshot) ofForeign(claimant Claimant, claim Claim) Claim {
	if o, found := w.definition(claim.GroupVersion); found {
		return claim.with(Held, o)
	}
	standing, h := w.holderOf(claimant, claim.APIService)
	claim = claim.with(standing, conflict{Owner: h})
	if o, found := w.conflict(claimant, claim.GroupVersion); found && standing == HeldAdoptable {
		claim.Standing, claim.Until = Held, o.until
		claim.Owner.Words += ", and " + o.Words + ", also has a claim to it"
	}
	return claim
}

// holderOf returns the owner of an APIService, and whether it may be adopted: not from kube-apiserver, and not from an
// existing ExtensionAPI.
func (w Snapshot) holderOf(claimant Claimant, existing *apiregistrationv1.APIService) (Standing, ownership.Owner) {
	h := claimant.OwnerOf(existing)
	if isBuiltIn(h) {
		return Held, h
	}
	if existing.Spec.Service == nil {
		return Held, ownership.OfKubernetes(ownership.Local,
			"kube-apiserver, which serves it itself: its APIService, which belongs to "+h.Words+", references no Service")
	}
	if owner, found := w.ownerOf(existing); found {
		return Held, ownership.OfExtensionAPI(owner.Name, "which has registered it")
	}
	if h.Kind == ownership.ExtensionAPI {
		h.Words += ", which no longer exists and orphaned it"
	}
	return HeldAdoptable, h
}

func isBuiltIn(h ownership.Owner) bool {
	return h.Kind == ownership.BuiltInGroup || h.Kind == ownership.Local
}

func (w Snapshot) apiService(groupVersion schema.GroupVersion) *apiregistrationv1.APIService {
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
