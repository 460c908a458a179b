// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// contested is a Backend in which another client writes before each of the next writes.
type contested struct {
	Backend[*metav1.PartialObjectMetadata]
	conflicts int
}

func (c *contested) Put(ctx context.Context, object *metav1.PartialObjectMetadata) (string, error) {
	if c.conflicts > 0 {
		c.conflicts--
		return "", ErrConflict
	}
	return c.Backend.Put(ctx, object)
}

func (c *contested) Delete(ctx context.Context, object *metav1.PartialObjectMetadata) (string, error) {
	if c.conflicts > 0 {
		c.conflicts--
		return "", ErrConflict
	}
	return c.Backend.Delete(ctx, object)
}

func storageOf(backend Backend[*metav1.PartialObjectMetadata]) *backendStorage[*metav1.PartialObjectMetadata] {
	return &backendStorage[*metav1.PartialObjectMetadata]{
		backend: backend, prefix: "/things",
		newFunc: func() runtime.Object { return &metav1.PartialObjectMetadata{} },
	}
}

func everything() storage.SelectionPredicate {
	return storage.SelectionPredicate{
		Label: labels.Everything(), Field: fields.Everything(),
		GetAttrs: func(runtime.Object) (labels.Set, fields.Set, error) { return nil, nil, nil },
	}
}

func TestAnUpdateIsTriedAgainAfterAConflict(t *testing.T) {
	backend := &contested{Backend: NewMemory[*metav1.PartialObjectMetadata]()}
	put(t, backend, "a", "x", "")
	backend.conflicts = 2
	tries, out := 0, &metav1.PartialObjectMetadata{}
	err := storageOf(backend).GuaranteedUpdate(t.Context(), "/things/a/x", out, false, nil,
		storage.SimpleUpdate(func(object runtime.Object) (runtime.Object, error) {
			tries++
			changed, _ := object.(*metav1.PartialObjectMetadata)
			changed.Labels = map[string]string{"changed": "true"}
			return changed, nil
		}), nil)
	if err != nil || tries != 3 || out.Labels["changed"] != "true" {
		t.Errorf("after %d tries: %v, %v", tries, out, err)
	}
}

func TestAnUpdateThatChangesNothingIsNotWritten(t *testing.T) {
	backend := NewMemory[*metav1.PartialObjectMetadata]()
	version := put(t, backend, "a", "x", "")
	out := &metav1.PartialObjectMetadata{}
	err := storageOf(backend).GuaranteedUpdate(t.Context(), "/things/a/x", out, false, nil,
		storage.SimpleUpdate(func(object runtime.Object) (runtime.Object, error) { return object, nil }), nil)
	if err != nil || out.ResourceVersion != version {
		t.Errorf("the version is %q: %v", out.ResourceVersion, err)
	}
}

func TestKeysThatDoNotExistOrExistAreReported(t *testing.T) {
	backend := NewMemory[*metav1.PartialObjectMetadata]()
	put(t, backend, "a", "x", "")
	s, out := storageOf(backend), &metav1.PartialObjectMetadata{}
	if err := s.Get(t.Context(), "/things/a/y", storage.GetOptions{}, out); !storage.IsNotFound(err) {
		t.Errorf("an object that does not exist: %v", err)
	}
	if err := s.Get(t.Context(), "/things/a/y", storage.GetOptions{IgnoreNotFound: true}, out); err != nil {
		t.Errorf("an object that need not exist: %v", err)
	}
	if err := s.Create(t.Context(), "/things/a/x", thing("a", "x", ""), out, 0); !storage.IsExist(err) {
		t.Errorf("an object that exists: %v", err)
	}
	err := s.Create(t.Context(), "/things/a/y", thing("a", "y", "1"), out, 0)
	if !errors.Is(err, storage.ErrResourceVersionSetOnCreate) {
		t.Errorf("a new object with a version: %v", err)
	}
}

func TestOnlyTheLastVersionIsListed(t *testing.T) {
	backend := NewMemory[*metav1.PartialObjectMetadata]()
	put(t, backend, "a", "x", "")
	last := put(t, backend, "a", "y", "")
	exact, notOlder := metav1.ResourceVersionMatchExact, metav1.ResourceVersionMatchNotOlderThan
	for name, test := range map[string]struct {
		options storage.ListOptions
		allowed func(error) bool
	}{
		"any version":            {storage.ListOptions{}, isNone},
		"the last version":       {storage.ListOptions{ResourceVersion: last, ResourceVersionMatch: exact}, isNone},
		"an older one, or newer": {storage.ListOptions{ResourceVersion: "2", ResourceVersionMatch: notOlder}, isNone},
		"an older one": {
			storage.ListOptions{ResourceVersion: "2", ResourceVersionMatch: exact}, apierrors.IsResourceExpired,
		},
		"one of the future": {storage.ListOptions{ResourceVersion: "99"}, storage.IsTooLargeResourceVersion},
	} {
		list := &metav1.PartialObjectMetadataList{}
		test.options.Recursive, test.options.Predicate = true, everything()
		err := storageOf(backend).GetList(t.Context(), "/things/a", test.options, list)
		if !test.allowed(err) || err == nil && (len(list.Items) != 2 || list.ResourceVersion != last) {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
}

func isNone(err error) bool { return err == nil }

func TestKeysAreNamespaceAndName(t *testing.T) {
	for key, want := range map[string][2]string{
		"/things/a/x": {"a", "x"}, "/things/a": {"a", ""}, "/things/a/": {"a", ""}, "/things": {"", ""}, "/things/": {"", ""},
	} {
		if namespace, name := storageOf(nil).parse(key); namespace != want[0] || name != want[1] {
			t.Errorf("%s: %q, %q", key, namespace, name)
		}
	}
	clustered := storageOf(nil)
	clustered.clustered = true
	if namespace, name := clustered.parse("/things/x"); namespace != "" || name != "x" {
		t.Errorf("an object in no namespace: %q, %q", namespace, name)
	}
}
