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
	concerned := append(requestsFor(e.ofGroup(ctx, apiService.Spec.Group)), ownerOf(ctx, object)...)
	uid := apiService.Annotations[manifests.UIDAnnotation]
	if uid == "" {
		return concerned
	}
	owners, err := observe.ExtensionAPIsOfUID(ctx, e.reader, uid)
	return append(concerned, requestsFor(unlessFailed(ctx, owners, err))...)
}

// wanting returns the ExtensionAPIs that have a group-version.
func (e extensionAPIs) wanting(ctx context.Context, groupVersion schema.GroupVersion) []reconcile.Request {
	return requestsFor(slices.DeleteFunc(e.ofGroup(ctx, groupVersion.Group), func(of v1alpha1.ExtensionAPI) bool {
		return !slices.Contains(manifests.GroupVersions(&of), groupVersion)
	}))
}

// rivals enqueues the other ExtensionAPIs that want any of the same groups.
func (e extensionAPIs) rivals(ctx context.Context, object client.Object) (requests []reconcile.Request) {
	rival, _ := object.(*v1alpha1.ExtensionAPI)
	for group := range claims.GroupsOf(rival) {
		requests = append(requests, requestsFor(e.ofGroup(ctx, group))...)
	}
	return slices.DeleteFunc(requests, func(request reconcile.Request) bool { return request.Name == rival.Name })
}

// concernedByDefinition enqueues the ExtensionAPIs that want a version of a CustomResourceDefinition's group.
func (e extensionAPIs) concernedByDefinition(ctx context.Context, definition client.Object) []reconcile.Request {
	return requestsFor(e.ofGroup(ctx, observe.GroupOfDefinition(definition)))
}

// concernedByNamespace enqueues the ExtensionAPIs whose server is in a namespace, or that hold its deletion up.
func (e extensionAPIs) concernedByNamespace(ctx context.Context, object client.Object) []reconcile.Request {
	namespace, _ := object.(*corev1.Namespace)
	within, err := observe.ExtensionAPIsIn(ctx, e.reader, namespace.Name)
	return append(requestsFor(unlessFailed(ctx, within, err)), requestsFor(e.holding(ctx, namespace))...)
}

// holding returns the ExtensionAPIs that may hold the deletion of a namespace up, hardly ever any.
func (e extensionAPIs) holding(ctx context.Context, namespace *corev1.Namespace) []v1alpha1.ExtensionAPI {
	if len(terminating.Obstacles(namespace)) == 0 {
		return nil
	}
	all, err := e.all(ctx)
	return slices.DeleteFunc(unlessFailed(ctx, all, err), func(extensionAPI v1alpha1.ExtensionAPI) bool {
		return !mayHoldUp(&extensionAPI, namespace)
	})
}

// mayHoldUp also counts one that was suspected.
func mayHoldUp(extensionAPI *v1alpha1.ExtensionAPI, namespace *corev1.Namespace) bool {
	conditions := extensionAPI.Status.Conditions
	suspect := terminating.IsSuspect(conditions) ||
		meta.IsStatusConditionFalse(conditions, v1alpha1.ConditionNamespacesDeletable)
	return terminating.By(namespace, manifests.GroupVersions(extensionAPI), suspect).Cause != terminating.None
}

func (e extensionAPIs) ofGroup(ctx context.Context, group string) []v1alpha1.ExtensionAPI {
	found, err := observe.ExtensionAPIsOfGroup(ctx, e.reader, group)
	return unlessFailed(ctx, found, err)
}

func unlessFailed(ctx context.Context, found []v1alpha1.ExtensionAPI, err error) []v1alpha1.ExtensionAPI {
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing ExtensionAPIs in the cache")
		return nil
	}
	return found
}

func requestsFor(all []v1alpha1.ExtensionAPI) []reconcile.Request {
	var requests []reconcile.Request
	for i := range all {
		requests = append(requests, requestFor(all[i].Name))
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
