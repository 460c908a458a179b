// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch

// reconcileClaims finds out whose each group-version is. What is somebody else's is not registered; the others are.
func (r *Reconciler) reconcileClaims(ctx context.Context, s *scope) error {
	groupVersions := manifests.GroupVersions(s.ExtensionAPI)
	world, err := r.world(ctx, r.Client, groupVersions)
	if err != nil {
		return err
	}
	for _, groupVersion := range groupVersions {
		s.claims = append(s.claims, claims.Of(claimantOf(s.ExtensionAPI), groupVersion, world))
	}
	s.conclude(v1alpha1.ConditionClaimed, claimVerdict(s.claims, s.Spec.AdoptionPolicy))
	return nil
}

// claimOf returns what the claim to the group-version of an APIService has come to.
func (s *scope) claimOf(apiServiceName string) claims.Claim {
	i := slices.IndexFunc(s.claims, func(claim claims.Claim) bool {
		return manifests.APIServiceName(claim.GroupVersion) == apiServiceName
	})
	return s.claims[i]
}

// claimNow decides about a group-version that nobody has, by what there is at this moment: what hides a
// CustomResourceDefinition, or is registered for two, must not come of a cache that lags behind.
func (r *Reconciler) claimNow(ctx context.Context, s *scope, groupVersion schema.GroupVersion) (claims.Claim, error) {
	world, err := r.world(ctx, r.Live, []schema.GroupVersion{groupVersion})
	return claims.Of(claimantOf(s.ExtensionAPI), groupVersion, world), err
}

// world returns what there is that has or wants any of the group-versions.
func (r *Reconciler) world(
	ctx context.Context, reader client.Reader, groupVersions []schema.GroupVersion,
) (claims.World, error) {
	world := claims.World{
		OwnerLabel: manifests.OwnerLabel, APIServices: map[schema.GroupVersion]*apiregistrationv1.APIService{},
	}
	list := &v1alpha1.ExtensionAPIList{}
	if err := reader.List(ctx, list); err != nil {
		return world, err
	}
	for i := range list.Items {
		world.Claimants = append(world.Claimants, claimantOf(&list.Items[i]))
	}
	for _, groupVersion := range groupVersions {
		existing := &apiregistrationv1.APIService{}
		switch err := reader.Get(ctx, client.ObjectKey{Name: manifests.APIServiceName(groupVersion)}, existing); {
		case err == nil:
			world.APIServices[groupVersion] = existing
		case !apierrors.IsNotFound(err):
			return world, err
		}
	}
	var err error
	world.Definitions, err = r.definitions(ctx, reader, groupVersions)
	return world, err
}

func claimantOf(extensionAPI *v1alpha1.ExtensionAPI) claims.Claimant {
	backend := manifests.BackendOf(extensionAPI)
	return claims.Claimant{
		Name:    extensionAPI.Name,
		Created: extensionAPI.CreationTimestamp.Time,
		Wants:   manifests.GroupVersions(extensionAPI),
		Leaving: !extensionAPI.DeletionTimestamp.IsZero(),

		Namespace: backend.Namespace,
		Service:   backend.Name,
	}
}

// definitions returns the versions of the CustomResourceDefinitions of these groups. There are hardly ever any, so that
// they are read whole only here, once for each generation, and of all others only the metadata is kept.
func (r *Reconciler) definitions(
	ctx context.Context, reader client.Reader, groupVersions []schema.GroupVersion,
) ([]claims.Definition, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(definitionKind.GroupVersion().WithKind("CustomResourceDefinitionList"))
	if err := reader.List(ctx, list); err != nil {
		return nil, err
	}
	var result []claims.Definition
	for i := range list.Items {
		group := groupOfDefinition(&list.Items[i])
		isWanted := func(wanted schema.GroupVersion) bool { return wanted.Group == group }
		if !slices.ContainsFunc(groupVersions, isWanted) {
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

func hasGroup(extensionAPI *v1alpha1.ExtensionAPI, name string) bool {
	return slices.ContainsFunc(extensionAPI.Spec.Groups, func(group v1alpha1.APIGroup) bool { return group.Name == name })
}
