// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/trim"
)

const (
	firstRetry = 100 * time.Millisecond
	// lastRetry bounds the backoff: when the cause of a failure is gone, it should show within seconds.
	lastRetry = 30 * time.Second
	// requestTimeout is when a request to kube-apiserver is given up, so that one kind that hangs holds up no other. A Pod
	// that ends is left after 5 seconds, while its preStop sleep of 15 lasts.
	requestTimeout = 4 * time.Second
	// reconciliationTimeout is when requests to a kube-apiserver that does not answer are given up. Nothing else is waited
	// for.
	reconciliationTimeout = 30 * time.Second
)

// hasOwner selects objects with the owner label.
var hasOwner = func() labels.Requirement {
	requirement, err := labels.NewRequirement(manifests.OwnerLabel, selection.Exists, nil)
	utilruntime.Must(err) // the label is a constant
	return *requirement
}()

// dependents are kinds that others create for what the operator owns, with the same labels.
var dependents = []client.Object{&appsv1.ReplicaSet{}, &corev1.Pod{}, &discoveryv1.EndpointSlice{}}

// CacheOptions keeps in memory only objects with the owner label, besides APIServices, namespaces, ExtensionAPIs and
// CustomResourceDefinitions; and of each only what is read.
func CacheOptions(serverNamespaces ServerNamespaces) cache.Options {
	byLabel := cache.ByObject{Label: labels.NewSelector().Add(hasOwner)}
	byScope := map[inventory.Scope]cache.ByObject{
		inventory.Cluster: byLabel, inventory.ServerNamespaces: byLabel, inventory.AuthReaderNamespace: byLabel,
	}
	inScope := func(scope inventory.Scope, namespaces map[string]cache.Config) {
		by := byScope[scope]
		by.Namespaces = namespaces
		byScope[scope] = by
	}
	inScope(inventory.ServerNamespaces, serverNamespaces.cached())
	inScope(inventory.AuthReaderNamespace, map[string]cache.Config{manifests.AuthReaderNamespace: {}})
	byObject := map[client.Object]cache.ByObject{}
	for _, kind := range ownedByLabel() {
		byObject[kind.New()] = byScope[kind.Scope]
	}
	for _, dependent := range dependents {
		byObject[dependent] = byScope[inventory.ServerNamespaces]
	}
	return cache.Options{DefaultTransform: trim.Object, ByObject: byObject}
}

// ownedByLabel are the kinds of which objects with the owner label are cached. APIServices are cached whatever labels
// they have lost.
func ownedByLabel() []inventory.Kind {
	return slices.DeleteFunc(inventory.Kinds(), func(kind inventory.Kind) bool {
		return !kind.Cached || kind.GroupVersionKind == inventory.APIService.GroupVersionKind
	})
}

// ClientOptions gives each request that is not answered from the cache a deadline, and has read live what the cache
// cannot hold, since the cluster may not know its kind. The cache has connections of its own, as a watch takes long.
func ClientOptions(config *rest.Config) (client.Options, error) {
	httpClient, err := withDeadline(config)
	return client.Options{
		HTTPClient: httpClient,
		Cache:      &client.CacheOptions{DisableFor: []client.Object{inventory.Certificate.New()}},
	}, err
}

// withDeadline returns an HTTP client whose requests have a deadline.
func withDeadline(config *rest.Config) (*http.Client, error) {
	shared, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	httpClient := *shared
	httpClient.Timeout = requestTimeout
	return &httpClient, nil
}

// watch is of one kind of objects.
type watch struct {
	object client.Object
	// concerns maps an object to the ExtensionAPIs that are reconciled when it changes.
	concerns handler.MapFunc
	// predicates let through the changes that matter, all of them if there are none.
	predicates []predicate.Predicate
}

// watches are all that the reconciler reads from the cache. Of many kinds only the metadata is watched.
func (r *Reconciler) watches() []watch {
	generation := []predicate.Predicate{predicate.GenerationChangedPredicate{}}
	watches := []watch{
		{
			&v1alpha1.ExtensionAPI{}, r.rivals,
			[]predicate.Predicate{predicate.Or(predicate.GenerationChangedPredicate{}, servesOtherGroups)},
		},
		{inventory.Metadata(definitionKind), r.concernedByDefinition, generation},
		{inventory.APIService.New(), r.concernedByAPIService, nil},
		{
			inventory.Metadata(corev1.SchemeGroupVersion.WithKind("Namespace")), r.runningIn,
			[]predicate.Predicate{namespaceComesOrGoes},
		},
	}
	for _, kind := range ownedByLabel() {
		watches = append(watches, watch{kind.New(), ownerOf, nil})
	}
	for _, dependent := range dependents {
		watches = append(watches, watch{dependent, ownerOf, nil})
	}
	return watches
}

// SetupWithManager has mgr run the reconciler, and be ready when it could work at once.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(mgr).
		Named("extensionapi").
		For(&v1alpha1.ExtensionAPI{}).
		WatchesRawSource(source.Channel(r.Changed, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.Workers,
			ReconciliationTimeout:   reconciliationTimeout,
			// One that stands by has read everything when it takes over.
			EnableWarmup: new(true),
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](
				firstRetry, lastRetry),
		})
	for _, w := range r.watches() {
		b = b.Watches(w.object, handler.EnqueueRequestsFromMapFunc(w.concerns), builder.WithPredicates(w.predicates...))
	}
	return errors.Join(b.Complete(r), mgr.AddReadyzCheck("caches", hasRead(mgr.GetCache(), r.watches())))
}

// servesOtherGroups lets through what changes precedence.
var servesOtherGroups = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, _ := e.ObjectOld.(*v1alpha1.ExtensionAPI)
		after, _ := e.ObjectNew.(*v1alpha1.ExtensionAPI)
		return !servedGroups(before).Equal(servedGroups(after))
	},
}

// namespaceComesOrGoes drops changes of labels and annotations.
var namespaceComesOrGoes = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
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

// concernedByAPIService enqueues the owner, as far as a mark names it, and whoever wants a version of the group.
func (r *Reconciler) concernedByAPIService(ctx context.Context, object client.Object) []reconcile.Request {
	apiService, _ := object.(*apiregistrationv1.APIService)
	concerned := r.allThat(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return groupsOf(extensionAPI).Has(apiService.Spec.Group) ||
			asOwner(extensionAPI).Ownership(apiService) == holder.Owned
	})
	return append(concerned, ownerOf(ctx, object)...)
}

// wanting returns the ExtensionAPIs that have a group-version whose APIService has this name.
func (r *Reconciler) wanting(ctx context.Context, apiServiceName string) []reconcile.Request {
	return r.allThat(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		for _, groupVersion := range manifests.GroupVersions(extensionAPI) {
			if manifests.APIServiceName(groupVersion) == apiServiceName {
				return true
			}
		}
		return false
	})
}

// rivals enqueues the other ExtensionAPIs that want any of the same groups.
func (r *Reconciler) rivals(ctx context.Context, object client.Object) []reconcile.Request {
	rival, _ := object.(*v1alpha1.ExtensionAPI)
	groups := groupsOf(rival)
	return r.allThat(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return extensionAPI.Name != rival.Name && groupsOf(extensionAPI).Intersection(groups).Len() > 0
	})
}

// concernedByDefinition enqueues the ExtensionAPIs that want a version of a CustomResourceDefinition's group.
func (r *Reconciler) concernedByDefinition(ctx context.Context, definition client.Object) []reconcile.Request {
	return r.allThat(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return groupsOf(extensionAPI).Has(groupOfDefinition(definition))
	})
}

// runningIn enqueues the ExtensionAPIs whose server is in a namespace.
func (r *Reconciler) runningIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.allThat(ctx, func(extensionAPI *v1alpha1.ExtensionAPI) bool {
		return manifests.BackendOf(extensionAPI).Namespace == namespace.GetName()
	})
}

func (r *Reconciler) allThat(ctx context.Context, match func(*v1alpha1.ExtensionAPI) bool) []reconcile.Request {
	list := &v1alpha1.ExtensionAPIList{}
	if err := r.Client.List(ctx, list); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing ExtensionAPIs in the cache")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if match(&list.Items[i]) {
			requests = append(requests, requestFor(list.Items[i].Name))
		}
	}
	return requests
}

func requestFor(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKey{Name: name}}
}
