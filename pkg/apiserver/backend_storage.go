// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// backendStorage is a Backend in the terms of k8s.io/apiserver, which tries again after a conflict.
type backendStorage[T Object] struct {
	storage.APIObjectVersioner
	backend Backend[T]
	// prefix is what the keys of all objects begin with.
	prefix    string
	clustered bool
	newFunc   func() runtime.Object
}

var _ storage.Interface = &backendStorage[Object]{}

// Versioner returns the usual one.
func (s *backendStorage[T]) Versioner() storage.Versioner { return s.APIObjectVersioner }

// parse returns namespace and name of a key; a key of many objects has no name.
func (s *backendStorage[T]) parse(key string) (namespace, name string) {
	path := strings.Trim(strings.TrimPrefix(key, s.prefix), "/")
	if s.clustered {
		return "", path
	}
	namespace, name, _ = strings.Cut(path, "/")
	return namespace, name
}

func (s *backendStorage[T]) get(ctx context.Context, key string) (T, error) {
	namespace, name := s.parse(key)
	object, err := s.backend.Get(ctx, namespace, name)
	if errors.Is(err, ErrNotFound) {
		return object, storage.NewKeyNotFoundError(key, 0)
	}
	return object, err
}

// set sets out, a pointer that may be nil, to an object.
func set(out runtime.Object, object Object) {
	if out != nil {
		reflect.ValueOf(out).Elem().Set(reflect.ValueOf(object).Elem())
	}
}

// Create stores a new object.
func (s *backendStorage[T]) Create(ctx context.Context, key string, obj, out runtime.Object, _ uint64) error {
	object, err := as[T](obj.DeepCopyObject())
	if err != nil {
		return err
	}
	if object.GetResourceVersion() != "" {
		return storage.ErrResourceVersionSetOnCreate
	}
	err = s.put(ctx, object)
	if errors.Is(err, ErrConflict) {
		return storage.NewKeyExistsError(key, 0)
	}
	if err != nil {
		return err
	}
	set(out, object)
	return nil
}

// put stores an object, and sets its version.
func (s *backendStorage[T]) put(ctx context.Context, object T) error {
	version, err := s.backend.Put(ctx, object)
	if err != nil {
		return err
	}
	object.SetResourceVersion(version)
	return nil
}

// Delete deletes an object.
func (s *backendStorage[T]) Delete(
	ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, _ runtime.Object, _ storage.DeleteOptions,
) error {
	return retryOnConflict(ctx, key, func() error {
		object, err := s.get(ctx, key)
		if err != nil {
			return err
		}
		// Not wrapped: k8s.io/apiserver does not unwrap it to answer that there is a conflict.
		if err := preconditions.Check(key, object); err != nil {
			return err
		}
		if err := validate(ctx, object); err != nil {
			return err
		}
		version, err := s.backend.Delete(ctx, object)
		if err != nil {
			return err
		}
		object.SetResourceVersion(version)
		set(out, object)
		return nil
	})
}

// Get reads an object. What a Backend returns is never older than what was requested.
func (s *backendStorage[T]) Get(
	ctx context.Context, key string, options storage.GetOptions, out runtime.Object,
) error {
	if _, err := s.requested(options.ResourceVersion); err != nil {
		return err
	}
	object, err := s.get(ctx, key)
	if storage.IsNotFound(err) && options.IgnoreNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	set(out, object)
	return nil
}

// GetList reads the objects that match, all of them in one page.
func (s *backendStorage[T]) GetList(
	ctx context.Context, key string, options storage.ListOptions, out runtime.Object,
) error {
	objects, version, err := s.list(ctx, key, options.Predicate)
	if err != nil {
		return err
	}
	if err := s.isListable(options, version); err != nil {
		return err
	}
	items := make([]runtime.Object, 0, len(objects))
	for _, object := range objects {
		items = append(items, object)
	}
	if err := meta.SetList(out, items); err != nil {
		return err
	}
	list, err := meta.ListAccessor(out)
	if err != nil {
		return err
	}
	list.SetResourceVersion(version)
	return nil
}

// requested returns the version that a client has sent, 0 for any.
func (s *backendStorage[T]) requested(version string) (uint64, error) {
	number, err := s.ParseResourceVersion(version)
	if err != nil {
		return 0, apierrors.NewBadRequest(fmt.Sprintf("invalid resource version: %v", err))
	}
	return number, nil
}

// list returns the objects that match, sorted.
func (s *backendStorage[T]) list(
	ctx context.Context, key string, predicate storage.SelectionPredicate,
) ([]T, string, error) {
	namespace, name := s.parse(key)
	objects, version, err := s.backend.List(ctx, namespace)
	if err != nil {
		return nil, "", err
	}
	var matching []T
	for _, object := range objects {
		matches, err := predicate.Matches(object)
		if err != nil {
			return nil, "", err
		}
		if matches && (name == "" || name == object.GetName()) {
			matching = append(matching, object)
		}
	}
	slices.SortFunc(matching, func(a, b T) int { return keyOf(a).compare(keyOf(b)) })
	return matching, version, nil
}

// isListable returns an error if a list of another version was requested than the last one.
func (s *backendStorage[T]) isListable(options storage.ListOptions, version string) error {
	wanted, err := s.requested(options.ResourceVersion)
	if err != nil {
		return err
	}
	last, err := s.ParseResourceVersion(version)
	switch {
	case err != nil:
		return err
	case wanted > last:
		return storage.NewTooLargeResourceVersionError(wanted, last, 1)
	case options.ResourceVersionMatch == metav1.ResourceVersionMatchExact && wanted < last,
		options.Predicate.Continue != "":
		return expired()
	default:
		return nil
	}
}

// GuaranteedUpdate changes an object.
func (s *backendStorage[T]) GuaranteedUpdate(
	ctx context.Context, key string, out runtime.Object, ignoreNotFound bool, preconditions *storage.Preconditions,
	update storage.UpdateFunc, _ runtime.Object,
) error {
	return retryOnConflict(ctx, key, func() error {
		current, err := s.current(ctx, key, ignoreNotFound)
		if err != nil {
			return err
		}
		if err := preconditions.Check(key, current); err != nil {
			return err
		}
		object, err := s.updated(current, update)
		if err != nil {
			return err
		}
		if !equality.Semantic.DeepEqual(object, current) {
			err = s.put(ctx, object)
		}
		if err == nil {
			set(out, object)
		}
		return err
	})
}

// current returns an object, or an empty one if it need not exist.
func (s *backendStorage[T]) current(ctx context.Context, key string, ignoreNotFound bool) (T, error) {
	object, err := s.get(ctx, key)
	if storage.IsNotFound(err) && ignoreNotFound {
		return as[T](s.newFunc())
	}
	return object, err
}

// updated returns what an object is changed to, with the version of the object that it replaces.
func (s *backendStorage[T]) updated(current T, update storage.UpdateFunc) (T, error) {
	var none T
	version, err := s.ObjectResourceVersion(current)
	if err != nil {
		return none, err
	}
	changed, _, err := update(copyOf(current), storage.ResponseMeta{ResourceVersion: version})
	if err != nil {
		return none, err
	}
	object, err := as[T](changed)
	if err == nil {
		object.SetResourceVersion(current.GetResourceVersion())
	}
	return object, err
}

// Stats counts the objects.
func (s *backendStorage[T]) Stats(ctx context.Context) (storage.Stats, error) {
	objects, _, err := s.backend.List(ctx, "")
	return storage.Stats{ObjectCount: int64(len(objects))}, err
}

// ReadinessCheck reports ready: the server's own /readyz is for what concerns all of its kinds.
func (s *backendStorage[T]) ReadinessCheck() error { return nil }

// RequestWatchProgress does nothing: there is no cache.
func (s *backendStorage[T]) RequestWatchProgress(context.Context) error { return nil }

// GetCurrentResourceVersion returns the version of the last change.
func (s *backendStorage[T]) GetCurrentResourceVersion(ctx context.Context) (uint64, error) {
	_, version, err := s.backend.List(ctx, "")
	if err != nil {
		return 0, err
	}
	return s.ParseResourceVersion(version)
}

// EnableResourceSizeEstimation does nothing.
func (s *backendStorage[T]) EnableResourceSizeEstimation(storage.KeysFunc) error { return nil }

// CompactRevision returns 0: there is no cache.
func (s *backendStorage[T]) CompactRevision() int64 { return 0 }
