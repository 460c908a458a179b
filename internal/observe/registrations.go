// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
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
	cluster, err := o.registrations(ctx, o.Client, o.Client)
	own = snapshot.Of(registeredBy(cluster, extensionAPI), err)
	if err != nil {
		return own, all
	}
	cluster.Now = o.Clock.Now()
	cluster.Definitions, err = o.definitionsOf(ctx, o.Client, claims.GroupsOf(extensionAPI))
	return own, snapshot.Of(claimsOf(cluster, extensionAPI), err)
}

// RegisteredNow returns the APIServices of an ExtensionAPI that there are at this moment: the cache may not have one
// yet that was only just created.
func (o *Observer) RegisteredNow(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (apiServices, error) {
	cluster, err := o.registrations(ctx, o.Client, o.Live)
	return registeredBy(cluster, extensionAPI), err
}

// ClaimNow decides about a group-version by what there is at this moment: neither hiding a CustomResourceDefinition nor
// registering one for two owners may be due to a cache that lags behind.
func (o *Observer) ClaimNow(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, groupVersion schema.GroupVersion,
) (claims.Claim, error) {
	cluster, err := o.registrations(ctx, o.Live, o.Live)
	if err != nil {
		return claims.Claim{}, err
	}
	cluster.Now = o.Clock.Now()
	cluster.Definitions, err = o.definitionsOf(ctx, o.Live, sets.New(groupVersion.Group))
	return claims.Of(claims.ClaimantOf(extensionAPI), groupVersion, cluster), err
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

// registrations are all ExtensionAPIs and all APIServices, which decide who has registered what. They are the cache's
// own, which must not be changed: copying all of them each time costs more than the rest of a reconciliation.
func (o *Observer) registrations(
	ctx context.Context, extensionAPIs, registered client.Reader,
) (cluster claims.Snapshot, err error) {
	if o.StandIn != nil {
		cluster.StandIn = o.StandIn.Service
	}
	claimants, apiServices := &v1alpha1.ExtensionAPIList{}, &apiregistrationv1.APIServiceList{}
	if err := extensionAPIs.List(ctx, claimants, client.UnsafeDisableDeepCopy); err != nil {
		return cluster, err
	}
	if err := registered.List(ctx, apiServices, client.UnsafeDisableDeepCopy); err != nil {
		return cluster, err
	}
	for i := range claimants.Items {
		cluster.Claimants = append(cluster.Claimants, claims.ClaimantOf(&claimants.Items[i]))
	}
	for i := range apiServices.Items {
		cluster.APIServices = append(cluster.APIServices, &apiServices.Items[i])
	}
	return cluster, nil
}
