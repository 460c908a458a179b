// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// statusStrategy changes nothing but the status.
type statusStrategy[T Object] struct{ strategy[T] }

// PrepareForUpdate keeps what is not the status.
func (s statusStrategy[T]) PrepareForUpdate(_ context.Context, obj, oldObj runtime.Object) {
	object, _ := as[T](obj)
	old, _ := as[T](oldObj)
	keep(object, old, s.Spec)
	object.SetGeneration(old.GetGeneration())
	object.SetLabels(old.GetLabels())
	object.SetAnnotations(old.GetAnnotations())
	object.SetFinalizers(old.GetFinalizers())
	object.SetOwnerReferences(old.GetOwnerReferences())
}

// ValidateUpdate returns what is wrong with a change of the status.
func (s statusStrategy[T]) ValidateUpdate(ctx context.Context, obj, oldObj runtime.Object) field.ErrorList {
	if s.ValidateStatus == nil {
		return nil
	}
	object, _ := as[T](obj)
	old, _ := as[T](oldObj)
	return s.ValidateStatus(ctx, object, old)
}

// WarningsOnUpdate are about the specification.
func (s statusStrategy[T]) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// GetResetFields are those that the subresource status does not change.
func (s statusStrategy[T]) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	fields := s.reset("spec")
	for version, set := range fields {
		for _, path := range []string{"labels", "annotations", "finalizers", "ownerReferences"} {
			set.Insert(fieldpath.MakePathOrDie("metadata", path))
		}
		fields[version] = set
	}
	return fields
}

// statusREST is the subresource status.
type statusREST struct {
	store *genericregistry.Store
}

var (
	_ rest.Patcher             = &statusREST{}
	_ rest.ResetFieldsStrategy = &statusREST{}
)

// newStatusREST shares the storage of a store.
func newStatusREST(store *genericregistry.Store, strategy interface {
	rest.RESTUpdateStrategy
	rest.ResetFieldsStrategy
},
) *statusREST {
	status := *store
	status.UpdateStrategy, status.ResetFieldsStrategy = strategy, strategy
	return &statusREST{&status}
}

// New returns an empty object.
func (r *statusREST) New() runtime.Object { return r.store.New() }

// Destroy does nothing: the storage is that of the objects.
func (r *statusREST) Destroy() {}

// Get returns the object, for patches.
func (r *statusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update changes the status of an object that exists.
func (r *statusREST) Update(
	ctx context.Context, name string, object rest.UpdatedObjectInfo, validateCreate rest.ValidateObjectFunc,
	validateUpdate rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, object, validateCreate, validateUpdate, false, options)
}

// GetResetFields are those that the subresource does not change.
func (r *statusREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.store.GetResetFields()
}

// ConvertToTable returns the same table as for the objects.
func (r *statusREST) ConvertToTable(
	ctx context.Context, object, options runtime.Object,
) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, object, options)
}
