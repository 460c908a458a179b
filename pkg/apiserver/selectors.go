// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is a pointer to a Go type of an API.
type Object interface {
	runtime.Object
	metav1.Object
}

func as[T Object](object runtime.Object) (T, error) {
	typed, ok := object.(T)
	if !ok {
		return typed, fmt.Errorf("%T is not %T", object, typed)
	}
	return typed, nil
}

// isNil reports whether a pointer is nil.
func isNil[T Object](object T) bool {
	value := reflect.ValueOf(object)
	return !value.IsValid() || value.IsNil()
}

const (
	nameField      = "metadata.name"
	namespaceField = "metadata.namespace"
)

// selectFields admits fields in the field selectors of every version. Where a version names a field otherwise, add a
// conversion of your own to the scheme, in an Install function.
func selectFields[T Object](environment Environment, selected map[string]func(T) string) error {
	convert := func(label, value string) (string, string, error) {
		if _, found := selected[label]; found || label == nameField || label == namespaceField {
			return label, value, nil
		}
		return "", "", fmt.Errorf("field label not supported: %s", label)
	}
	for _, version := range environment.versions() {
		kind := version.WithKind(environment.Kind.Kind)
		if err := environment.Scheme.AddFieldLabelConversionFunc(kind, convert); err != nil {
			return err
		}
	}
	return nil
}

// selectable are the fields of an object that selectors match.
func selectable[T Object](object T, selected map[string]func(T) string, namespaced bool) fields.Set {
	set := fields.Set{nameField: object.GetName()}
	if namespaced {
		set[namespaceField] = object.GetNamespace()
	}
	for path, value := range selected {
		set[path] = value(object)
	}
	return set
}
