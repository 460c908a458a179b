// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"reflect"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Strategy decides what of an object is stored. A function that is nil does nothing. Objects are of the hub version,
// with defaults set, and only Prepare may change one.
type Strategy[T Object] struct {
	// Spec returns a pointer to the specification: metadata.generation counts its changes.
	Spec func(T) any
	// Status returns a pointer to the status: with it there is a subresource status, and nothing else changes the status.
	Status func(T) any

	// Prepare completes an object before it is validated; old is the zero T if there was none.
	Prepare func(ctx context.Context, object, old T)
	// Validate returns what is wrong with an object, when it is created or changed.
	Validate func(ctx context.Context, object T) field.ErrorList
	// ValidateUpdate returns what is wrong with a change of the specification, in addition to Validate.
	ValidateUpdate func(ctx context.Context, object, old T) field.ErrorList
	// ValidateStatus returns what is wrong with a change of the status.
	ValidateStatus func(ctx context.Context, object, old T) field.ErrorList
	// Warnings returns what clients should know of an object, such as that a field is deprecated.
	Warnings func(ctx context.Context, object T) []string
}

// strategy is a Strategy in the terms of k8s.io/apiserver.
type strategy[T Object] struct {
	Strategy[T]
	runtime.ObjectTyper
	names.NameGenerator
	environment Environment
	namespaced  bool
}

var (
	_ rest.RESTCreateUpdateStrategy = strategy[Object]{}
	_ rest.RESTDeleteStrategy       = strategy[Object]{}
	_ rest.ResetFieldsStrategy      = strategy[Object]{}
)

func newStrategy[T Object](from Strategy[T], environment Environment, namespaced bool) strategy[T] {
	return strategy[T]{from, environment.Scheme, names.SimpleNameGenerator, environment, namespaced}
}

// NamespaceScoped reports whether objects are in namespaces.
func (s strategy[T]) NamespaceScoped() bool { return s.namespaced }

// AllowCreateOnUpdate reports that an update of what does not exist fails; server-side apply creates it.
func (s strategy[T]) AllowCreateOnUpdate(context.Context) bool { return false }

// AllowUnconditionalUpdate reports that an update without a resourceVersion fails, for it could undo another one.
func (s strategy[T]) AllowUnconditionalUpdate(context.Context) bool { return false }

// Canonicalize changes nothing.
func (s strategy[T]) Canonicalize(runtime.Object) {}

// PrepareForCreate removes the status.
func (s strategy[T]) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	object, _ := as[T](obj)
	empty(object, s.Status)
	object.SetGeneration(1)
	if s.Prepare != nil {
		var none T
		s.Prepare(ctx, object, none)
	}
}

// PrepareForUpdate keeps the status, and counts changes of the specification.
func (s strategy[T]) PrepareForUpdate(ctx context.Context, obj, oldObj runtime.Object) {
	object, _ := as[T](obj)
	old, _ := as[T](oldObj)
	keep(object, old, s.Status)
	if s.Prepare != nil {
		s.Prepare(ctx, object, old)
	}
	object.SetGeneration(old.GetGeneration())
	if s.Spec != nil && !equality.Semantic.DeepEqual(s.Spec(object), s.Spec(old)) {
		object.SetGeneration(old.GetGeneration() + 1)
	}
}

// Validate returns what is wrong with a new object. By itself, k8s.io/apiserver accepts any name that fits into a path.
func (s strategy[T]) Validate(ctx context.Context, obj runtime.Object) field.ErrorList {
	object, _ := as[T](obj)
	var problems field.ErrorList
	for _, problem := range validation.NameIsDNSSubdomain(object.GetName(), false) {
		path := field.NewPath("metadata", "name")
		problems = append(problems, field.Invalid(path, object.GetName(), problem))
	}
	return append(problems, s.validate(ctx, object)...)
}

func (s strategy[T]) validate(ctx context.Context, object T) field.ErrorList {
	if s.Strategy.Validate == nil {
		return nil
	}
	return s.Strategy.Validate(ctx, object)
}

// ValidateUpdate returns what is wrong with a changed object.
func (s strategy[T]) ValidateUpdate(ctx context.Context, obj, oldObj runtime.Object) field.ErrorList {
	object, _ := as[T](obj)
	old, _ := as[T](oldObj)
	problems := s.validate(ctx, object)
	if s.Strategy.ValidateUpdate != nil {
		problems = append(problems, s.Strategy.ValidateUpdate(ctx, object, old)...)
	}
	return problems
}

// WarningsOnCreate are those of the object.
func (s strategy[T]) WarningsOnCreate(ctx context.Context, obj runtime.Object) []string {
	if s.Warnings == nil {
		return nil
	}
	object, _ := as[T](obj)
	return s.Warnings(ctx, object)
}

// WarningsOnUpdate are those of the object.
func (s strategy[T]) WarningsOnUpdate(ctx context.Context, obj, _ runtime.Object) []string {
	return s.WarningsOnCreate(ctx, obj)
}

// GetResetFields are those that only the subresource status changes: no manager of the object owns them.
func (s strategy[T]) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	if s.Status == nil {
		return nil
	}
	return s.reset("status")
}

// reset has the same paths in all versions.
func (s strategy[T]) reset(paths ...string) map[fieldpath.APIVersion]*fieldpath.Set {
	set := fieldpath.NewSet()
	for _, path := range paths {
		set.Insert(fieldpath.MakePathOrDie(path))
	}
	fields := map[fieldpath.APIVersion]*fieldpath.Set{}
	for _, version := range s.environment.versions() {
		fields[fieldpath.APIVersion(version.String())] = set
	}
	return fields
}

// keep sets a part of an object to that of another object.
func keep[T Object](object, other T, part func(T) any) {
	if part != nil {
		reflect.ValueOf(part(object)).Elem().Set(reflect.ValueOf(part(other)).Elem())
	}
}

// empty sets a part of an object to its zero value.
func empty[T Object](object T, part func(T) any) {
	if part != nil {
		reflect.ValueOf(part(object)).Elem().SetZero()
	}
}
