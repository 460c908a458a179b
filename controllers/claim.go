// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

var definitionKind = apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition")

// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch

// reconcileClaims finds out whose each group-version is. What is somebody else's is not registered; the others are.
func (r *Reconciler) reconcileClaims(ctx context.Context, s *scope) error {
	world, err := r.world(ctx, r.Client, s)
	if err != nil {
		return err
	}
	for _, groupVersion := range manifests.GroupVersions(s.ExtensionAPI) {
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
	world, err := r.world(ctx, r.Live, s)
	return claims.Of(claimantOf(s.ExtensionAPI), groupVersion, world), err
}

// world returns what there is that has or wants a group-version of this ExtensionAPI.
func (r *Reconciler) world(ctx context.Context, reader client.Reader, s *scope) (claims.World, error) {
	world := claims.World{OwnerLabel: manifests.OwnerLabel, APIServices: map[string]*apiregistrationv1.APIService{}}
	list := &v1alpha1.ExtensionAPIList{}
	if err := reader.List(ctx, list); err != nil {
		return world, err
	}
	for i := range list.Items {
		world.Claimants = append(world.Claimants, claimantOf(&list.Items[i]))
	}
	for _, groupVersion := range manifests.GroupVersions(s.ExtensionAPI) {
		existing := &apiregistrationv1.APIService{}
		switch err := reader.Get(ctx, client.ObjectKey{Name: manifests.APIServiceName(groupVersion)}, existing); {
		case err == nil:
			world.APIServices[existing.Name] = existing
		case !apierrors.IsNotFound(err):
			return world, err
		}
	}
	var err error
	world.Definitions, err = r.definitions(ctx, reader, s)
	return world, err
}

func claimantOf(extensionAPI *v1alpha1.ExtensionAPI) claims.Claimant {
	return claims.Claimant{
		Name:    extensionAPI.Name,
		Created: extensionAPI.CreationTimestamp.Time,
		Wants:   manifests.GroupVersions(extensionAPI),
		Leaving: !extensionAPI.DeletionTimestamp.IsZero(),
	}
}

// definitions returns the versions of the CustomResourceDefinitions of the spec's groups. There are hardly ever any, so
// that they are read whole only here, and of all others only the metadata is kept.
func (r *Reconciler) definitions(ctx context.Context, reader client.Reader, s *scope) ([]claims.Definition, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(definitionKind.GroupVersion().WithKind("CustomResourceDefinitionList"))
	if err := reader.List(ctx, list); err != nil {
		return nil, err
	}
	var result []claims.Definition
	for i := range list.Items {
		if !hasGroup(s.ExtensionAPI, groupOfDefinition(&list.Items[i])) {
			continue
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		err := r.Live.Get(ctx, client.ObjectKeyFromObject(&list.Items[i]), definition)
		if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		for _, version := range definition.Spec.Versions {
			result = append(result, claims.Definition{
				Name:         definition.Name,
				GroupVersion: schema.GroupVersion{Group: definition.Spec.Group, Version: version.Name},
				Served:       version.Served,
			})
		}
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
