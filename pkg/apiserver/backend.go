// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
)

// Backend has the objects of a kind, where that is not etcd. It decides nothing: validation, the status, selectors,
// server-side apply and finalizers are the same as with etcd. NewMemory returns one to copy from.
//
// Objects are of the hub version, and a Backend neither keeps nor changes those that it gets. Each change has a
// version: a decimal number that is greater than that of the change before, of any object of the kind, and the same in
// all replicas. The version of an object is that of its last change; it is in metadata.resourceVersion.
type Backend[T Object] interface {
	// Get returns an object, or ErrNotFound.
	Get(ctx context.Context, namespace, name string) (T, error)
	// List returns the objects of a namespace, or of all if it is empty, and the version of the last change, 1 if there
	// was none.
	List(ctx context.Context, namespace string) (objects []T, version string, err error)
	// Put stores an object in the place of the one with its resourceVersion, or, if it has none, as a new one, and returns
	// the version. It returns ErrConflict, and stores nothing, when something else is in that place.
	Put(ctx context.Context, object T) (version string, err error)
	// Delete deletes an object with its resourceVersion and returns the version, or ErrConflict.
	Delete(ctx context.Context, object T) (version string, err error)
	// Watch returns the changes after a version, in their order, by any replica, until the context ends. The version is
	// a decimal number, but not necessarily one that this kind has had. Watch returns ErrExpired if the changes after it
	// are not known, or no longer. When it closes the channel, clients list again.
	Watch(ctx context.Context, after string) (<-chan Change[T], error)
}

// Change is a change of an object.
type Change[T Object] struct {
	// Object has the version of the change. Of a deleted object it is the last state.
	Object  T
	Deleted bool
	// Old is the object before it was changed; nil if it is new.
	Old T
}

// What a Backend returns.
var (
	ErrNotFound = errors.New("the object does not exist")
	ErrConflict = errors.New("the object was changed")
	ErrExpired  = errors.New("the changes after this version are no longer known")
)
