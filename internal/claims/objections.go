// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// PrecedenceLapse is how long after its creation an ExtensionAPI that does not serve a group has precedence over
// younger ones: the default progress deadline of a Deployment (k8s.io/kubernetes pkg/apis/apps/v1/defaults.go).
// Otherwise one that never serves would block the group forever.
const PrecedenceLapse = 10 * time.Minute

// conflict is why a claim to a group-version that the claimant has not registered is not granted.
type conflict struct {
	ownership.Owner
	splits bool
	until  time.Time
	// shares reports whether that owner shares the group.
	shares bool
}

// conflict returns the strongest conflict about a group-version, regardless of its APIService.
func (w Snapshot) conflict(claimant Claimant, groupVersion schema.GroupVersion) (o conflict, found bool) {
	if o, found := w.definition(groupVersion); found {
		return o, true
	}
	if o, found := w.groupOwner(claimant, groupVersion); found {
		return o, true
	}
	return w.predecessor(claimant, groupVersion)
}

func (w Snapshot) definition(groupVersion schema.GroupVersion) (o conflict, found bool) {
	definition, found := first(w.Definitions, func(d Definition) bool { return d.GroupVersion == groupVersion })
	detail := ""
	if !definition.Served {
		detail = ", which has the version, but does not serve it now"
	}
	o.Owner = ownership.OfDefinition(definition.Name, detail)
	return o, found
}

// first returns the first matching definition by name, as their order varies.
func first(all []Definition, match func(Definition) bool) (result Definition, found bool) {
	for _, definition := range all {
		if match(definition) && (!found || definition.before(result)) {
			result, found = definition, true
		}
	}
	return result, found
}

func (d Definition) before(other Definition) bool {
	return cmp.Or(cmp.Compare(d.Name, other.Name), cmp.Compare(d.GroupVersion.Version, other.GroupVersion.Version)) < 0
}

// groupOwner returns an owner of another version of the group, unless the claimant shares it.
func (w Snapshot) groupOwner(claimant Claimant, groupVersion schema.GroupVersion) (o conflict, found bool) {
	group := groupVersion.Group
	if claimant.Shares.Has(group) {
		return conflict{}, false
	}
	definition, found := first(w.Definitions, func(d Definition) bool { return d.GroupVersion.Group == group })
	if found {
		o.splits = true
		o.Owner = ownership.OfDefinition(definition.Name, ", which has "+definition.GroupVersion.Version+" of the group")
		return o, true
	}
	return w.registrant(claimant, group)
}

// registrant returns the owner of the first registered version of the group, by the name of its APIService: Kubernetes,
// or another ExtensionAPI. Other owners keep what they have registered, but do not reserve the rest of the group.
func (w Snapshot) registrant(claimant Claimant, group string) (o conflict, found bool) {
	for _, apiService := range slices.SortedFunc(slices.Values(w.APIServices), byName) {
		if apiService.Spec.Group != group {
			continue
		}
		if o, found := w.registrantOf(claimant, apiService); found {
			return o, true
		}
	}
	return conflict{}, false
}

func byName(a, b *apiregistrationv1.APIService) int { return cmp.Compare(a.Name, b.Name) }

func (w Snapshot) registrantOf(claimant Claimant, apiService *apiregistrationv1.APIService) (o conflict, found bool) {
	o.splits = true
	version := apiService.Spec.Version
	owner, owned := w.ownerOf(apiService)
	switch h := ownership.Of(apiService); {
	case owned:
		o.Owner = ownership.OfExtensionAPI(owner.Name, "which has registered "+version+" of the group")
		o.shares = owner.Shares.Has(apiService.Spec.Group)
		return o, owner.UID != claimant.UID
	case isBuiltIn(h):
		o.Owner = ownership.OfKubernetes(h.Kind, h.Words+", which serves "+version+" of the group")
		return o, true
	case apiService.Spec.Service == nil:
		o.Owner = ownership.OfKubernetes(ownership.Local, "kube-apiserver, which serves "+version+" of the group itself")
		return o, true
	default:
		return o, false
	}
}

// predecessor returns the first of the ExtensionAPIs that precede the claimant.
func (w Snapshot) predecessor(claimant Claimant, groupVersion schema.GroupVersion) (o conflict, found bool) {
	if !claimant.Shares.Has(groupVersion.Group) && w.hasRegistered(claimant, groupVersion.Group) {
		return conflict{}, false
	}
	first, wants := w.oldest(claimant, groupVersion)
	if first.UID == claimant.UID {
		return conflict{}, false
	}
	o.splits, o.until = wants != groupVersion, first.lapse(groupVersion.Group)
	detail := fmt.Sprintf("which is older (created %s)", timestamp(first.Created))
	if o.splits {
		detail += " and claims " + wants.Version + " of the group"
	}
	if !o.until.IsZero() {
		detail += ", and has precedence until " + timestamp(o.until)
	}
	o.Owner = ownership.OfExtensionAPI(first.Name, detail)
	return o, true
}

// oldest returns the first by precedence of the claimant and its competitors for the group-version, and what it wants.
func (w Snapshot) oldest(claimant Claimant, groupVersion schema.GroupVersion) (Claimant, schema.GroupVersion) {
	first, wants := claimant, groupVersion
	for _, other := range w.Claimants {
		lapse := other.lapse(groupVersion.Group)
		if !lapse.IsZero() && !w.Now.Before(lapse) || !other.precedes(first) {
			continue
		}
		if wanted, competes := other.competesFor(groupVersion, claimant); competes {
			first, wants = other, wanted
		}
	}
	return first, wants
}

// competesFor returns the group-version that conflicts with the claimant's: the same one, or, unless the claimant
// shares the group, any version of it.
func (c Claimant) competesFor(
	groupVersion schema.GroupVersion, claimant Claimant,
) (wanted schema.GroupVersion, competes bool) {
	switch {
	case c.UID == claimant.UID || c.Terminating:
		return schema.GroupVersion{}, false
	case slices.Contains(c.Wants, groupVersion):
		return groupVersion, true
	case claimant.Shares.Has(groupVersion.Group):
		return schema.GroupVersion{}, false
	}
	i := slices.IndexFunc(c.Wants, func(wanted schema.GroupVersion) bool { return wanted.Group == groupVersion.Group })
	if i < 0 {
		return schema.GroupVersion{}, false
	}
	return c.Wants[i], true
}

func (w Snapshot) hasRegistered(claimant Claimant, group string) bool {
	return slices.ContainsFunc(w.RegisteredBy(claimant), func(apiService *apiregistrationv1.APIService) bool {
		return apiService.Spec.Group == group
	})
}

// precedes reports whether c has precedence over other, consistently for both.
func (c Claimant) precedes(other Claimant) bool {
	return cmp.Or(c.Created.Compare(other.Created), cmp.Compare(c.Name, other.Name)) < 0
}

// lapse returns when the claimant's precedence ends, zero if it does not: deleting an APIService must not transfer the
// group to another claimant that is waiting for it.
func (c Claimant) lapse(group string) time.Time {
	if c.Served.Has(group) {
		return time.Time{}
	}
	return c.Created.Add(PrecedenceLapse)
}

func timestamp(t time.Time) string { return metav1.NewTime(t).UTC().Format(time.RFC3339) }
