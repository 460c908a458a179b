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

	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

// PrecedenceLapse is how long after its creation an ExtensionAPI that does not serve a group keeps younger ones from
// it: as long as Kubernetes gives a Deployment to make progress (k8s.io/kubernetes pkg/apis/apps/v1/defaults.go). One
// that never serves would keep the group from others for ever.
const PrecedenceLapse = 10 * time.Minute

// objection is why a claim to what the claimant has not registered is not granted.
type objection struct {
	holder.Holder
	splits bool
	until  time.Time
	// shares reports whether the holder shares the group.
	shares bool
}

// objection is the strongest there is to a group-version whose APIService does not matter.
func (w World) objection(claimant Claimant, groupVersion schema.GroupVersion) (o objection, found bool) {
	if o, found := w.definition(groupVersion); found {
		return o, true
	}
	if o, found := w.partner(claimant, groupVersion); found {
		return o, true
	}
	return w.predecessor(claimant, groupVersion)
}

func (w World) definition(groupVersion schema.GroupVersion) (o objection, found bool) {
	definition, found := first(w.Definitions, func(d Definition) bool { return d.GroupVersion == groupVersion })
	words := ""
	if !definition.Served {
		words = ", which has the version, but does not serve it now"
	}
	o.Holder = holder.OfDefinition(definition.Name, words)
	return o, found
}

// first is the first by name of the definitions that match: their order is not the same each time.
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

// partner is who has another version of the group, unless the claimant shares it.
func (w World) partner(claimant Claimant, groupVersion schema.GroupVersion) (o objection, found bool) {
	group := groupVersion.Group
	if claimant.Shares.Has(group) {
		return objection{}, false
	}
	definition, found := first(w.Definitions, func(d Definition) bool { return d.GroupVersion.Group == group })
	if found {
		o.splits = true
		o.Holder = holder.OfDefinition(definition.Name, ", which has "+definition.GroupVersion.Version+" of the group")
		return o, true
	}
	return w.registrant(claimant, group)
}

// registrant is who has registered a version of the group, the first by the name of the APIService: Kubernetes, or
// another ExtensionAPI. What others have registered is left to them, but leaves the rest of the group to everybody.
func (w World) registrant(claimant Claimant, group string) (o objection, found bool) {
	for _, apiService := range slices.SortedFunc(slices.Values(w.APIServices), byName) {
		if apiService.Spec.Group != group {
			continue
		}
		if o, found := w.registrantOf(claimant, apiService); found {
			return o, true
		}
	}
	return objection{}, false
}

func byName(a, b *apiregistrationv1.APIService) int { return cmp.Compare(a.Name, b.Name) }

func (w World) registrantOf(claimant Claimant, apiService *apiregistrationv1.APIService) (o objection, found bool) {
	o.splits = true
	version := apiService.Spec.Version
	owner, owned := w.ownerOf(apiService)
	switch h := holder.Of(apiService); {
	case owned:
		o.Holder = holder.OfExtensionAPI(owner.Name, "which has registered "+version+" of the group")
		o.shares = owner.Shares.Has(apiService.Spec.Group)
		return o, owner.UID != claimant.UID
	case isBuiltIn(h):
		o.Holder = holder.OfKubernetes(h.Kind, h.Words+", which serves "+version+" of the group")
		return o, true
	case apiService.Spec.Service == nil:
		o.Holder = holder.OfKubernetes(holder.Local, "kube-apiserver, which serves "+version+" of the group itself")
		return o, true
	default:
		return o, false
	}
}

// predecessor is the first of the ExtensionAPIs that come before the claimant.
func (w World) predecessor(claimant Claimant, groupVersion schema.GroupVersion) (o objection, found bool) {
	if !claimant.Shares.Has(groupVersion.Group) && w.hasRegistered(claimant, groupVersion.Group) {
		return objection{}, false
	}
	first, wants := w.oldest(claimant, groupVersion)
	if first.UID == claimant.UID {
		return objection{}, false
	}
	o.splits, o.until = wants != groupVersion, first.lapse(groupVersion.Group)
	words := fmt.Sprintf("which is older (created %s)", timestamp(first.Created))
	if o.splits {
		words += " and wants " + wants.Version + " of the group"
	}
	if !o.until.IsZero() {
		words += ", and comes first until " + timestamp(o.until)
	}
	o.Holder = holder.OfExtensionAPI(first.Name, words)
	return o, true
}

// oldest is the one that comes first of the claimant and those that compete for the group-version, and what it wants.
func (w World) oldest(claimant Claimant, groupVersion schema.GroupVersion) (Claimant, schema.GroupVersion) {
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

// competesFor returns what it wants of what the claimant wants: that group-version, or, unless the claimant shares it,
// any version of the group.
func (c Claimant) competesFor(
	groupVersion schema.GroupVersion, claimant Claimant,
) (wanted schema.GroupVersion, competes bool) {
	switch {
	case c.UID == claimant.UID || c.Leaving:
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

func (w World) hasRegistered(claimant Claimant, group string) bool {
	return slices.ContainsFunc(w.RegisteredBy(claimant), func(apiService *apiregistrationv1.APIService) bool {
		return apiService.Spec.Group == group
	})
}

// precedes reports who comes first, and is the same for both sides.
func (c Claimant) precedes(other Claimant) bool {
	return cmp.Or(c.Created.Compare(other.Created), cmp.Compare(c.Name, other.Name)) < 0
}

// lapse is when the claimant's precedence ends, zero where it does not: whoever deletes an APIService must not thereby
// hand the group to a claimant that has waited for it.
func (c Claimant) lapse(group string) time.Time {
	if c.Served.Has(group) {
		return time.Time{}
	}
	return c.Created.Add(PrecedenceLapse)
}

func timestamp(t time.Time) string { return metav1.NewTime(t).UTC().Format(time.RFC3339) }
