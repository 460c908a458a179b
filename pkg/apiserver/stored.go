// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

// Stored is a kind whose objects are in etcd, or in a Backend, with all that clients expect: finalizers, patches, dry
// runs, server-side apply, watches that end their initial events with a bookmark.
type Stored[T Object] struct {
	// Object and List are empty objects of the kind and its list; T is a pointer.
	Object T
	List   runtime.Object
	Names  Names
	// ClusterScoped objects are in no namespace.
	ClusterScoped bool

	// Strategy decides what is stored.
	Strategy Strategy[T]
	// Columns are what kubectl get shows between name and age.
	Columns []Column[T]
	// Fields are those that field selectors can have besides metadata.name and metadata.namespace, by their path.
	Fields map[string]func(T) string
	// Backend has the objects in place of etcd.
	Backend Backend[T]
}

var _ Resource = Stored[Object]{}

// New returns an empty object.
func (s Stored[T]) New() runtime.Object { return s.Object.DeepCopyObject() }

// NewList returns an empty list.
func (s Stored[T]) NewList() runtime.Object { return s.List.DeepCopyObject() }

// UsesEtcd reports whether there is no Backend.
func (s Stored[T]) UsesEtcd() bool { return s.Backend == nil }

// Storage returns the storage of the objects, and of their status if the strategy has one.
func (s Stored[T]) Storage(environment Environment) (map[string]rest.Storage, error) {
	if err := selectFields(environment, s.Fields); err != nil {
		return nil, err
	}
	strategy := newStrategy(s.Strategy, environment, !s.ClusterScoped)
	resource := environment.Resource(s.Names.Plural)
	store := &genericregistry.Store{
		NewFunc:                   s.New,
		NewListFunc:               s.NewList,
		PredicateFunc:             s.predicate,
		DefaultQualifiedResource:  resource,
		SingularQualifiedResource: environment.Resource(s.Names.Singular),
		CreateStrategy:            strategy,
		UpdateStrategy:            strategy,
		DeleteStrategy:            strategy,
		ResetFieldsStrategy:       strategy,
		TableConvertor:            newTable(s.Columns),
	}
	options := environment.Options
	if s.Backend != nil {
		options = s.inBackend(environment)
	}
	err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: options, AttrFunc: s.attributes})
	if err != nil {
		return nil, err
	}
	served := map[string]rest.Storage{s.Names.Plural: &objectREST{Store: store, names: s.Names}}
	if s.Strategy.Status != nil {
		served[s.Names.Plural+"/status"] = newStatusREST(store, statusStrategy[T]{strategy})
	}
	return served, nil
}

// inBackend are the options of a store whose objects are in the Backend.
func (s Stored[T]) inBackend(environment Environment) generic.RESTOptions {
	hub, resource := environment.Kind.GroupVersion(), environment.Resource(s.Names.Plural)
	config := storagebackend.Config{
		Codec:           serializer.NewCodecFactory(environment.Scheme).LegacyCodec(hub),
		EncodeVersioner: hub,
	}
	return generic.RESTOptions{
		StorageConfig:           config.ForResource(resource),
		ResourcePrefix:          "/" + resource.String(),
		EnableGarbageCollection: true,
		DeleteCollectionWorkers: 1,
		Decorator: func(
			_ *storagebackend.ConfigForResource, prefix string, _ func(runtime.Object) (string, error),
			newObject, _ func() runtime.Object, _ storage.AttrFunc, _ storage.IndexerFuncs, _ *cache.Indexers,
		) (storage.Interface, factory.DestroyFunc, error) {
			return &backendStorage[T]{
				backend: s.Backend, prefix: prefix, clustered: s.ClusterScoped, newFunc: newObject,
			}, func() {}, nil
		},
	}
}

// attributes are what selectors match.
func (s Stored[T]) attributes(object runtime.Object) (labels.Set, fields.Set, error) {
	typed, err := as[T](object)
	if err != nil {
		return nil, nil, err
	}
	return typed.GetLabels(), selectable(typed, s.Fields, !s.ClusterScoped), nil
}

func (s Stored[T]) predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{Label: label, Field: field, GetAttrs: s.attributes}
}

// objectREST is a store with the names of its resource.
type objectREST struct {
	*genericregistry.Store
	names Names
}

// ShortNames are for kubectl.
func (r *objectREST) ShortNames() []string { return r.names.Short }

// Categories are for kubectl.
func (r *objectREST) Categories() []string { return r.names.Categories }
