// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/terminating"
)

// extensionAPIs finds those that a change concerns.
type extensionAPIs struct{ reader client.Reader }

// servesOtherGroups lets through what changes precedence.
var servesOtherGroups = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, _ := e.ObjectOld.(*v1alpha1.ExtensionAPI)
		after, _ := e.ObjectNew.(*v1alpha1.ExtensionAPI)
		return !claims.ServedGroups(before).Equal(claims.ServedGroups(after))
	},
}

// namespaceComesOrGoes drops changes of labels, and of annotations but for the one that Pods depend on.
var namespaceComesOrGoes = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero() ||
			assignsUsers(e.ObjectOld) != assignsUsers(e.ObjectNew)
	},
}

func assignsUsers(namespace client.Object) bool {
	return namespace.GetAnnotations()[manifests.AssignedUsersAnnotation] != ""
}

// waitsForOthers lets through that a namespace waits for something else to be deleted.
var waitsForOthers = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, _ := e.ObjectOld.(*corev1.Namespace)
		after, _ := e.ObjectNew.(*corev1.Namespace)
		return !terminating.SameObstacles(before, after)
	},
}

// ownerOf enqueues the ExtensionAPI that an object was made for.
func ownerOf(_ context.Context, object client.Object) []reconcile.Request {
	owner := object.GetLabels()[manifests.OwnerLabel]
	if owner == "" {
		return nil
	}
	return []reconcile.Request{requestFor(owner)}
}

// concernedByAPIService enqueues the owner, as far as a mark names it, and those that claim a version of the group.
func (e extensionAPIs) concernedByAPIService(ctx context.Context, object client.Object) []reconcile.Request {
	apiService, _ := object.(*apiregistrationv1.APIService)
	concerned := e.that(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return claims.GroupsOf(extensionAPI).Has(apiService.Spec.Group) ||
			ownership.IdentityOf(extensionAPI).Ownership(apiService) == ownership.Owned
	})
	return append(concerned, ownerOf(ctx, object)...)
}

// wanting returns the ExtensionAPIs that have a group-version.
func (e extensionAPIs) wanting(ctx context.Context, groupVersion schema.GroupVersion) []reconcile.Request {
	return e.that(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return slices.Contains(manifests.GroupVersions(extensionAPI), groupVersion)
	})
}

// rivals enqueues the other ExtensionAPIs that want any of the same groups.
func (e extensionAPIs) rivals(ctx context.Context, object client.Object) []reconcile.Request {
	rival, _ := object.(*v1alpha1.ExtensionAPI)
	groups := claims.GroupsOf(rival)
	return e.that(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return extensionAPI.Name != rival.Name && claims.GroupsOf(extensionAPI).Intersection(groups).Len() > 0
	})
}

// concernedByDefinition enqueues the ExtensionAPIs that want a version of a CustomResourceDefinition's group.
func (e extensionAPIs) concernedByDefinition(ctx context.Context, definition client.Object) []reconcile.Request {
	return e.that(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return claims.GroupsOf(extensionAPI).Has(observe.GroupOfDefinition(definition))
	})
}

// concernedByNamespace enqueues the ExtensionAPIs whose server is in a namespace, or that hold its deletion up.
func (e extensionAPIs) concernedByNamespace(ctx context.Context, object client.Object) []reconcile.Request {
	namespace, _ := object.(*corev1.Namespace)
	return e.that(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return manifests.BackendOf(extensionAPI).Namespace == namespace.Name || mayHoldUp(extensionAPI, namespace)
	})
}

// mayHoldUp also counts one that was suspected.
func mayHoldUp(extensionAPI *v1alpha1.ExtensionAPI, namespace *corev1.Namespace) bool {
	conditions := extensionAPI.Status.Conditions
	suspect := terminating.IsSuspect(conditions) ||
		meta.IsStatusConditionFalse(conditions, v1alpha1.ConditionNamespacesDeletable)
	return terminating.By(namespace, manifests.GroupVersions(extensionAPI), suspect).Cause != terminating.None
}

func (e extensionAPIs) that(ctx context.Context, match func(*v1alpha1.ExtensionAPI) bool) []reconcile.Request {
	all, err := e.all(ctx)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing ExtensionAPIs in the cache")
		return nil
	}
	var requests []reconcile.Request
	for i := range all {
		if match(&all[i]) {
			requests = append(requests, requestFor(all[i].Name))
		}
	}
	return requests
}

// all are not to be changed: they are the cache's own.
func (e extensionAPIs) all(ctx context.Context) ([]v1alpha1.ExtensionAPI, error) {
	list := &v1alpha1.ExtensionAPIList{}
	err := e.reader.List(ctx, list, client.UnsafeDisableDeepCopy)
	return list.Items, err
}

func requestFor(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKey{Name: name}}
}
