// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch

type apiServices = map[string]*apiregistrationv1.APIService

// registered reads the APIServices of an ExtensionAPI, and who else has or wants its groups.
func (o *Observer) registered(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (
	own snapshot.Known[apiServices], all snapshot.Known[[]claims.Claim],
) {
	cluster, err := o.registrations(ctx, extensionAPI, nil)
	own = snapshot.Of(registeredBy(cluster, extensionAPI), err)
	if err != nil {
		return own, all
	}
	cluster.Definitions, err = o.definitionsOf(ctx, claims.GroupsOf(extensionAPI))
	return own, snapshot.Of(claimsOf(cluster, extensionAPI), err)
}

// RegisteredNow returns the APIServices of an ExtensionAPI that there are at this moment: the cache may not have one
// yet that was only just created.
func (o *Observer) RegisteredNow(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (apiServices, error) {
	list := &apiregistrationv1.APIServiceList{}
	if err := o.Live.List(ctx, list); err != nil {
		return nil, err
	}
	existing := byName(list.Items)
	claimants, err := o.claimantsOf(ctx, extensionAPI, existing)
	cluster := o.cluster(existing, claimants)
	return registeredBy(cluster, extensionAPI), err
}

// ClaimNow decides about a group-version by the cache, but for the APIServices in dispute, which are read at this
// moment: of two that are registered one after the other, the second has to see the first. The cache knows of every
// ExtensionAPI that was created before this one was last written, as a watch is in order. What it does not have yet is
// as good as created after the registration, and is found Contested then.
func (o *Observer) ClaimNow(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, groupVersion schema.GroupVersion,
) (claims.Claim, error) {
	current, err := o.disputed(ctx, groupVersion)
	if err != nil {
		return claims.Claim{}, err
	}
	cluster, err := o.registrations(ctx, extensionAPI, current)
	if err != nil {
		return claims.Claim{}, err
	}
	cluster.Definitions, err = o.definitionsOf(ctx, claims.GroupsOf(extensionAPI))
	return claims.Of(claims.ClaimantOf(extensionAPI), groupVersion, cluster), err
}

// disputed reads the APIService of a group-version, and those of the group that ExtensionAPIs want; those that do not
// exist are nil.
func (o *Observer) disputed(ctx context.Context, groupVersion schema.GroupVersion) (apiServices, error) {
	claimants, err := ExtensionAPIsOfGroup(ctx, o.Client, groupVersion.Group)
	if err != nil {
		return nil, err
	}
	current := apiServices{manifests.APIServiceName(groupVersion): nil}
	for i := range claimants {
		for _, wanted := range manifests.GroupVersions(&claimants[i]) {
			if wanted.Group == groupVersion.Group {
				current[manifests.APIServiceName(wanted)] = nil
			}
		}
	}
	for name := range current {
		existing := &apiregistrationv1.APIService{}
		if err := o.Live.Get(ctx, client.ObjectKey{Name: name}, existing); err == nil {
			current[name] = existing
		} else if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
	}
	return current, nil
}

// IsCurrent reports whether an ExtensionAPI is as kube-apiserver has it at this moment.
func (o *Observer) IsCurrent(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (bool, error) {
	list := &v1alpha1.ExtensionAPIList{}
	err := o.Live.List(ctx, list, client.MatchingFields{metav1.ObjectNameField: extensionAPI.Name})
	return len(list.Items) == 1 && list.Items[0].ResourceVersion == extensionAPI.ResourceVersion, err
}

func registeredBy(cluster claims.Snapshot, extensionAPI *v1alpha1.ExtensionAPI) apiServices {
	result := apiServices{}
	for _, own := range cluster.RegisteredBy(claims.ClaimantOf(extensionAPI)) {
		result[own.Name] = own.DeepCopy()
	}
	return result
}

func claimsOf(cluster claims.Snapshot, extensionAPI *v1alpha1.ExtensionAPI) []claims.Claim {
	claimant := claims.ClaimantOf(extensionAPI)
	var result []claims.Claim
	for _, groupVersion := range manifests.GroupVersions(extensionAPI) {
		result = append(result, claims.Of(claimant, groupVersion, cluster))
	}
	return result
}

// registrations are the APIServices that an ExtensionAPI may have or want, and the ExtensionAPIs that may have or want
// any of them. They are the cache's own, which must not be changed, but for those that are current.
func (o *Observer) registrations(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, current apiServices,
) (cluster claims.Snapshot, err error) {
	existing, err := o.apiServicesOf(ctx, extensionAPI)
	if err != nil {
		return cluster, err
	}
	maps.Copy(existing, current)
	maps.DeleteFunc(existing, func(_ string, apiService *apiregistrationv1.APIService) bool { return apiService == nil })
	claimants, err := o.claimantsOf(ctx, extensionAPI, existing)
	return o.cluster(existing, claimants), err
}

func (o *Observer) cluster(existing apiServices, claimants []claims.Claimant) claims.Snapshot {
	cluster := claims.Snapshot{
		Now: o.Clock.Now(), APIServices: slices.Collect(maps.Values(existing)), Claimants: claimants,
	}
	if o.StandIn != nil {
		cluster.StandIn = o.StandIn.Service
	}
	return cluster
}

// apiServicesOf returns those of the groups of an ExtensionAPI, and those that are its own by a mark or by their
// Service.
func (o *Observer) apiServicesOf(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (apiServices, error) {
	found := apiServices{}
	for _, key := range slices.Concat(
		keysOf(groupIndex, groupsOf(extensionAPI)), keysOf(serviceIndex, servicesOf(extensionAPI)),
		[]indexKey{{uidIndex, string(extensionAPI.UID)}, {ownerIndex, extensionAPI.Name}},
	) {
		some, err := apiServicesBy(ctx, o.Client, key.index, key.value)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, byName(some))
	}
	return found, nil
}

// claimantsOf returns the ExtensionAPI, those that want its groups, and those that may have registered any of the
// APIServices.
func (o *Observer) claimantsOf(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, existing apiServices,
) ([]claims.Claimant, error) {
	keys := keysOf(groupIndex, groupsOf(extensionAPI))
	for _, apiService := range existing {
		keys = append(keys, ownerKeysOf(apiService)...)
	}
	slices.SortFunc(keys, indexKey.compare)
	found := map[string]claims.Claimant{extensionAPI.Name: claims.ClaimantOf(extensionAPI)}
	for _, key := range slices.Compact(keys) {
		some, err := extensionAPIsBy(ctx, o.Client, key.index, key.value)
		if err != nil {
			return nil, err
		}
		for i := range some {
			found[some[i].Name] = claims.ClaimantOf(&some[i])
		}
	}
	return slices.Collect(maps.Values(found)), nil
}
