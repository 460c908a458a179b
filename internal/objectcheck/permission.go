// SPDX-License-Identifier: Apache-2.0

package objectcheck

import (
	"context"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Permission reports whether RBAC permits a verb on a resource.
type Permission func(ctx context.Context, verb string, resource schema.GroupVersionResource) (bool, error)

// PermissionOf returns that of the credentials of a client. Its reviews are not stored.
func PermissionOf(kube client.Client) Permission {
	return func(ctx context.Context, verb string, resource schema.GroupVersionResource) (bool, error) {
		return IsPermitted(ctx, kube, authorizationv1.ResourceAttributes{
			Verb: verb, Group: resource.Group, Version: resource.Version, Resource: resource.Resource,
		})
	}
}

// IsPermitted reports whether the credentials of a client permit access. The review is not stored.
func IsPermitted(ctx context.Context, kube client.Client, access authorizationv1.ResourceAttributes) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &access},
	}
	err := kube.Create(ctx, review)
	return review.Status.Allowed, err
}
