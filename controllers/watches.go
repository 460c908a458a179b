// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/trim"
)

const (
	firstRetry = 100 * time.Millisecond
	// lastRetry bounds the backoff: when the cause of a failure is gone, it should show within seconds.
	lastRetry = 30 * time.Second
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
func CacheOptions(operatorNamespace string, serverNamespaces observe.ServerNamespaces) cache.Options {
	byLabel := cache.ByObject{Label: labels.NewSelector().Add(hasOwner)}
	byScope := map[inventory.Scope]cache.ByObject{
		inventory.Cluster: byLabel, inventory.ServerNamespaces: byLabel, inventory.ServersAndAuthReader: byLabel,
		inventory.OperatorNamespace: byLabel,
	}
	inScope := func(scope inventory.Scope, namespaces map[string]cache.Config) {
		by := byScope[scope]
		by.Namespaces = namespaces
		byScope[scope] = by
	}
	inScope(inventory.ServerNamespaces, serverNamespaces.Cached())
	inScope(inventory.ServersAndAuthReader, serverNamespaces.CachedWith(manifests.AuthReaderNamespace))
	inScope(inventory.OperatorNamespace, map[string]cache.Config{operatorNamespace: {}})
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

// watch is of one kind of objects.
type watch struct {
	object client.Object
	// concerns maps an object to the ExtensionAPIs that are reconciled when it changes.
	concerns handler.MapFunc
	// predicates let through the changes that matter, all of them if there are none.
	predicates []predicate.Predicate
}

// watches are all that is read from the cache. Of many kinds only the metadata is watched.
func watches(of extensionAPIs) []watch {
	generation := []predicate.Predicate{predicate.GenerationChangedPredicate{}}
	watches := []watch{
		{
			&v1alpha1.ExtensionAPI{}, of.rivals,
			[]predicate.Predicate{predicate.Or(predicate.GenerationChangedPredicate{}, servesOtherGroups)},
		},
		{inventory.Metadata(observe.DefinitionKind), of.concernedByDefinition, generation},
		{inventory.APIService.New(), of.concernedByAPIService, nil},
		{
			&corev1.Namespace{}, of.concernedByNamespace,
			[]predicate.Predicate{predicate.Or(namespaceComesOrGoes, waitsForOthers)},
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

// SetupWithManager makes mgr run the reconciler, and become ready when that could work at once.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(mgr).
		Named("extensionapi").
		For(&v1alpha1.ExtensionAPI{}, builder.WithPredicates(r.writes.byOthers())).
		WatchesRawSource(source.Channel(r.Changed, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.Workers,
			ReconciliationTimeout:   reconciliationTimeout,
			// One that stands by has read everything when it takes over.
			EnableWarmup: new(true),
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](
				firstRetry, lastRetry),
		})
	all := watches(extensionAPIs{r.Client})
	for _, w := range all {
		b = b.Watches(w.object, handler.EnqueueRequestsFromMapFunc(w.concerns), builder.WithPredicates(w.predicates...))
	}
	return errors.Join(b.Complete(r), mgr.AddReadyzCheck("caches", hasRead(mgr.GetCache(), all)))
}
