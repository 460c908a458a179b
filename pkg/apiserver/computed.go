// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Computed is a kind whose objects are stored nowhere: they are computed for each get and list, as metrics are. They
// cannot be changed or watched.
type Computed[T Object] struct {
	// Object and List are empty objects of the kind and its list; T is a pointer.
	Object T
	List   runtime.Object
	Names  Names
	// ClusterScoped objects are in no namespace.
	ClusterScoped bool

	// Compute returns the objects of a namespace, or of all namespaces if it is empty.
	Compute func(ctx context.Context, namespace string) ([]T, error)
	// ComputeOne returns one object, or one that is nil if it does not exist. Without it, it is searched for in all.
	ComputeOne func(ctx context.Context, namespace, name string) (T, error)
	// Columns are what kubectl get shows between name and age.
	Columns []Column[T]
	// Fields are those that field selectors can have besides metadata.name and metadata.namespace, by their path.
	Fields map[string]func(T) string
}

var _ Resource = Computed[Object]{}

// New returns an empty object.
func (c Computed[T]) New() runtime.Object { return c.Object.DeepCopyObject() }

// NewList returns an empty list.
func (c Computed[T]) NewList() runtime.Object { return c.List.DeepCopyObject() }

// UsesEtcd reports false.
func (c Computed[T]) UsesEtcd() bool { return false }

// Storage returns what computes objects.
func (c Computed[T]) Storage(environment Environment) (map[string]rest.Storage, error) {
	if err := selectFields(environment, c.Fields); err != nil {
		return nil, err
	}
	table, resource := newTable(c.Columns), environment.Resource(c.Names.Plural)
	return map[string]rest.Storage{c.Names.Plural: &computedREST[T]{table, c, resource}}, nil
}

// computedREST answers get and list.
type computedREST[T Object] struct {
	rest.TableConvertor
	kind     Computed[T]
	resource schema.GroupResource
}

var (
	_ rest.Scoper               = &computedREST[Object]{}
	_ rest.Getter               = &computedREST[Object]{}
	_ rest.Lister               = &computedREST[Object]{}
	_ rest.SingularNameProvider = &computedREST[Object]{}
	_ rest.ShortNamesProvider   = &computedREST[Object]{}
	_ rest.CategoriesProvider   = &computedREST[Object]{}
)

// New returns an empty object.
func (r *computedREST[T]) New() runtime.Object { return r.kind.New() }

// NewList returns an empty list.
func (r *computedREST[T]) NewList() runtime.Object { return r.kind.NewList() }

// Destroy does nothing.
func (r *computedREST[T]) Destroy() {}

// NamespaceScoped reports whether objects are in namespaces.
func (r *computedREST[T]) NamespaceScoped() bool { return !r.kind.ClusterScoped }

// GetSingularName is for kubectl.
func (r *computedREST[T]) GetSingularName() string { return r.kind.Names.Singular }

// ShortNames are for kubectl.
func (r *computedREST[T]) ShortNames() []string { return r.kind.Names.Short }

// Categories are for kubectl.
func (r *computedREST[T]) Categories() []string { return r.kind.Names.Categories }

// Get returns an object.
func (r *computedREST[T]) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	namespace := genericapirequest.NamespaceValue(ctx)
	if r.kind.ComputeOne != nil {
		object, err := r.kind.ComputeOne(ctx, namespace, name)
		if err == nil && isNil(object) {
			err = apierrors.NewNotFound(r.resource, name)
		}
		return object, err
	}
	objects, err := r.kind.Compute(ctx, namespace)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		if object.GetName() == name {
			return object, nil
		}
	}
	return nil, apierrors.NewNotFound(r.resource, name)
}

// List returns the objects that match, all of them in one page.
func (r *computedREST[T]) List(
	ctx context.Context, options *internalversion.ListOptions,
) (runtime.Object, error) {
	objects, err := r.kind.Compute(ctx, genericapirequest.NamespaceValue(ctx))
	if err != nil {
		return nil, err
	}
	label, field := selectors(options)
	matching := []runtime.Object{}
	for _, object := range objects {
		set := selectable(object, r.kind.Fields, !r.kind.ClusterScoped)
		if label.Matches(labels.Set(object.GetLabels())) && field.Matches(set) {
			matching = append(matching, object)
		}
	}
	list := r.NewList()
	return list, meta.SetList(list, matching)
}

func selectors(options *internalversion.ListOptions) (labels.Selector, fields.Selector) {
	label, field := labels.Everything(), fields.Everything()
	if options != nil && options.LabelSelector != nil {
		label = options.LabelSelector
	}
	if options != nil && options.FieldSelector != nil {
		field = options.FieldSelector
	}
	return label, field
}
