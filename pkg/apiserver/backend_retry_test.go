// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
)

// changes are those of an existing object, with the error that a client gets.
var changes = map[string]func(
	context.Context, Backend[*metav1.PartialObjectMetadata], *storage.Preconditions,
) error{
	"update": func(
		ctx context.Context, backend Backend[*metav1.PartialObjectMetadata], preconditions *storage.Preconditions,
	) error {
		err := storageOf(backend).GuaranteedUpdate(ctx, "/things/a/x", &metav1.PartialObjectMetadata{}, false,
			preconditions, storage.SimpleUpdate(func(object runtime.Object) (runtime.Object, error) {
				changed, _ := object.(*metav1.PartialObjectMetadata)
				changed.Labels = map[string]string{"changed": "true"}
				return changed, nil
			}), nil)
		return storeerr.InterpretUpdateError(err, schema.GroupResource{}, "x")
	},
	"deletion": func(
		ctx context.Context, backend Backend[*metav1.PartialObjectMetadata], preconditions *storage.Preconditions,
	) error {
		err := storageOf(backend).Delete(ctx, "/things/a/x", &metav1.PartialObjectMetadata{}, preconditions,
			storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{})
		return storeerr.InterpretDeleteError(err, schema.GroupResource{}, "x")
	},
}

func TestAChangeOfAnotherObjectThanExpectedIsAConflict(t *testing.T) {
	for name, change := range changes {
		for precondition, preconditions := range map[string]*storage.Preconditions{
			"UID":             storage.NewUIDPreconditions("another"),
			"resourceVersion": {ResourceVersion: new("1")},
		} {
			backend := NewMemory[*metav1.PartialObjectMetadata]()
			version := put(t, backend, "a", "x", "")
			if err := change(t.Context(), backend, preconditions); !apierrors.IsConflict(err) {
				t.Errorf("%s with another %s: %v", name, precondition, err)
			}
			if object, err := backend.Get(t.Context(), "a", "x"); err != nil || object.ResourceVersion != version {
				t.Errorf("%s with another %s: the object is now %v, %v", name, precondition, object, err)
			}
		}
		backend := NewMemory[*metav1.PartialObjectMetadata]()
		version := put(t, backend, "a", "x", "")
		met := storage.NewUIDPreconditions("")
		met.ResourceVersion = &version
		if err := change(t.Context(), backend, met); err != nil {
			t.Errorf("%s with preconditions that are met: %v", name, err)
		}
	}
}

func TestAChangeThatAlwaysConflictsIsGivenUp(t *testing.T) {
	for name, change := range changes {
		synctest.Test(t, func(t *testing.T) {
			backend := &contested{Backend: NewMemory[*metav1.PartialObjectMetadata]()}
			put(t, backend, "a", "x", "")
			backend.conflicts = 1000
			begin := time.Now()
			err := change(t.Context(), backend, nil)
			if attempts := 1000 - backend.conflicts; !apierrors.IsConflict(err) || attempts != conflictBackoff.Steps {
				t.Errorf("%s after %d attempts: %v", name, attempts, err)
			}
			if took := time.Since(begin); took < time.Second || took > 3*time.Second {
				t.Errorf("%s takes %s", name, took)
			}
		})
	}
}

func TestAChangeThatConflictsEndsWithItsContext(t *testing.T) {
	for name, change := range changes {
		synctest.Test(t, func(t *testing.T) {
			backend := &contested{Backend: NewMemory[*metav1.PartialObjectMetadata]()}
			put(t, backend, "a", "x", "")
			backend.conflicts = 1000
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			begin := time.Now()
			if err := change(ctx, backend, nil); !apierrors.IsConflict(err) || time.Since(begin) != 100*time.Millisecond {
				t.Errorf("%s after %s: %v", name, time.Since(begin), err)
			}
			if err := change(ctx, backend, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s after the deadline: %v", name, err)
			}
		})
	}
}
