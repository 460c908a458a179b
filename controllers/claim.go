// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch

// reconcileClaims finds out whose each group-version is. What is somebody else's is not registered; the others are.
func (r *Reconciler) reconcileClaims(ctx context.Context, s *scope) error {
	world, err := r.world(ctx, r.Client, groupsOf(s.ExtensionAPI))
	if err != nil {
		return err
	}
	s.claim(world)
	s.conclude(v1alpha1.ConditionClaimed, diagnosis.Claimed(s.claims, s.Spec.AdoptionPolicy))
	return nil
}

// claim decides about every group-version, and requeues for when another ExtensionAPI loses precedence.
func (s *scope) claim(world claims.World) {
	for _, groupVersion := range manifests.GroupVersions(s.ExtensionAPI) {
		claim := claims.Of(claimantOf(s.ExtensionAPI), groupVersion, world)
		if wait := claim.Until.Sub(world.Now); wait > 0 {
			s.requeueAfter(wait)
		}
		s.claims = append(s.claims, claim)
	}
}

// claimOf returns what the claim to the group-version of an APIService has come to.
func (s *scope) claimOf(apiServiceName string) claims.Claim {
	i := slices.IndexFunc(s.claims, func(claim claims.Claim) bool {
		return manifests.APIServiceName(claim.GroupVersion) == apiServiceName
	})
	return s.claims[i]
}

// claimNow decides about a group-version that is not registered, by what there is at this moment: what hides a
// CustomResourceDefinition, or is registered for two, must not come of a cache that lags behind.
func (r *Reconciler) claimNow(ctx context.Context, s *scope, groupVersion schema.GroupVersion) (claims.Claim, error) {
	world, err := r.world(ctx, r.Live, sets.New(groupVersion.Group))
	return claims.Of(claimantOf(s.ExtensionAPI), groupVersion, world), err
}

// world returns what there is that has or wants any version of the groups.
func (r *Reconciler) world(
	ctx context.Context, reader client.Reader, groups sets.Set[string],
) (world claims.World, err error) {
	if world, err = registrations(ctx, reader, reader); err != nil {
		return world, err
	}
	world.Now = r.Clock.Now()
	world.Definitions, err = r.definitions(ctx, reader, groups)
	return world, err
}

// registrations are all ExtensionAPIs and all APIServices, which decide who has registered what.
func registrations(ctx context.Context, extensionAPIs, registered client.Reader) (world claims.World, err error) {
	if world.Claimants, err = claimants(ctx, extensionAPIs); err != nil {
		return world, err
	}
	world.APIServices, err = apiServices(ctx, registered)
	return world, err
}

// claimants are all ExtensionAPIs.
func claimants(ctx context.Context, reader client.Reader) ([]claims.Claimant, error) {
	list := &v1alpha1.ExtensionAPIList{}
	if err := reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	var result []claims.Claimant
	for i := range list.Items {
		result = append(result, claimantOf(&list.Items[i]))
	}
	return result, nil
}

func claimantOf(extensionAPI *v1alpha1.ExtensionAPI) claims.Claimant {
	backend := manifests.BackendOf(extensionAPI)
	shares := sets.New[string]()
	for _, group := range extensionAPI.Spec.Groups {
		if group.Sharing == v1alpha1.SharingAllowed {
			shares.Insert(group.Name)
		}
	}
	return claims.Claimant{
		Owner:   asOwner(extensionAPI),
		Created: extensionAPI.CreationTimestamp.Time,
		Wants:   manifests.GroupVersions(extensionAPI),
		Shares:  shares,
		Served:  servedGroups(extensionAPI),
		Leaving: !extensionAPI.DeletionTimestamp.IsZero(),

		Namespace: backend.Namespace,
		Service:   backend.Name,
	}
}

// servedGroups are those of which a version was available when the status was written.
func servedGroups(extensionAPI *v1alpha1.ExtensionAPI) sets.Set[string] {
	groups := sets.New[string]()
	for _, apiService := range extensionAPI.Status.APIServices {
		if apiService.Available == metav1.ConditionTrue {
			_, group, _ := strings.Cut(apiService.Name, ".")
			groups.Insert(group)
		}
	}
	return groups
}

func groupsOf(extensionAPI *v1alpha1.ExtensionAPI) sets.Set[string] {
	groups := sets.New[string]()
	for _, group := range extensionAPI.Spec.Groups {
		groups.Insert(group.Name)
	}
	return groups
}

// definitions returns the versions of the CustomResourceDefinitions of these groups. There are hardly ever any, so that
// they are read whole only here, once for each generation, and of all others only the metadata is kept.
func (r *Reconciler) definitions(
	ctx context.Context, reader client.Reader, groups sets.Set[string],
) ([]claims.Definition, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(definitionKind.GroupVersion().WithKind("CustomResourceDefinitionList"))
	if err := reader.List(ctx, list); err != nil {
		return nil, err
	}
	var result []claims.Definition
	for i := range list.Items {
		if !groups.Has(groupOfDefinition(&list.Items[i])) {
			continue
		}
		versions, err := r.definitionsRead.versionsOf(ctx, r.Live, &list.Items[i])
		if err != nil {
			return nil, err
		}
		result = append(result, versions...)
	}
	return result, nil
}

// groupOfDefinition is known from the name, which is PLURAL.GROUP
// (apiextensions-apiserver pkg/apis/apiextensions/validation).
func groupOfDefinition(definition client.Object) string {
	_, group, _ := strings.Cut(definition.GetName(), ".")
	return group
}
