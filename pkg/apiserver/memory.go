// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// history is how many changes a watch can begin in the past.
const history = 1000

// memory is a Backend for development and tests: its objects are gone with the process, and each replica has its own.
type memory[T Object] struct {
	mutex   sync.Mutex
	objects map[objectKey]T
	// changes are the last ones, of which the last has the version.
	changes []Change[T]
	version int
	// changed is closed with the next change.
	changed chan struct{}
}

// NewMemory returns an empty Backend in the memory of the process.
func NewMemory[T Object]() Backend[T] {
	return &memory[T]{objects: map[objectKey]T{}, version: 1, changed: make(chan struct{})}
}

type objectKey struct{ namespace, name string }

func (k objectKey) compare(other objectKey) int {
	return cmp.Or(strings.Compare(k.namespace, other.namespace), strings.Compare(k.name, other.name))
}

func keyOf(object Object) objectKey {
	return objectKey{object.GetNamespace(), object.GetName()}
}

// copyOf copies an object.
func copyOf[T Object](object T) T {
	copied, _ := object.DeepCopyObject().(T)
	return copied
}

// Get returns an object.
func (m *memory[T]) Get(_ context.Context, namespace, name string) (T, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	object, found := m.objects[objectKey{namespace, name}]
	if !found {
		return object, ErrNotFound
	}
	return copyOf(object), nil
}

// List returns the objects of a namespace, or all.
func (m *memory[T]) List(_ context.Context, namespace string) ([]T, string, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var objects []T
	for key, object := range m.objects {
		if namespace == "" || key.namespace == namespace {
			objects = append(objects, copyOf(object))
		}
	}
	return objects, strconv.Itoa(m.version), nil
}

// Put stores an object.
func (m *memory[T]) Put(_ context.Context, object T) (string, error) {
	return m.change(Change[T]{Object: object})
}

// Delete deletes an object.
func (m *memory[T]) Delete(_ context.Context, object T) (string, error) {
	return m.change(Change[T]{Object: object, Deleted: true})
}

func (m *memory[T]) change(change Change[T]) (string, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	object := copyOf(change.Object)
	key, stored := keyOf(object), ""
	old, found := m.objects[key]
	if found {
		stored = old.GetResourceVersion()
	}
	if object.GetResourceVersion() != stored {
		return "", ErrConflict
	}
	m.version++
	version := strconv.Itoa(m.version)
	object.SetResourceVersion(version)
	change.Object, change.Old = object, old
	m.objects[key] = object
	if change.Deleted {
		delete(m.objects, key)
	}
	m.changes = append(m.changes[max(0, len(m.changes)-history+1):], change)
	close(m.changed)
	m.changed = make(chan struct{})
	return version, nil
}

// Watch returns the changes after a version.
func (m *memory[T]) Watch(ctx context.Context, after string) (<-chan Change[T], error) {
	version, err := strconv.Atoi(after)
	if err != nil {
		return nil, ErrExpired // a greater number than any of its own
	}
	if _, _, known := m.since(version); !known {
		return nil, ErrExpired
	}
	changes := make(chan Change[T])
	go func() {
		defer close(changes)
		m.follow(ctx, version, changes)
	}()
	return changes, nil
}

// follow sends changes until the context ends, or until it is too slow to know them all.
func (m *memory[T]) follow(ctx context.Context, version int, changes chan<- Change[T]) {
	for {
		pending, changed, known := m.since(version)
		if !known {
			return
		}
		for _, change := range pending {
			select {
			case changes <- change:
				version++
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// since returns the changes after a version, if they are known, and what is closed with the next one.
func (m *memory[T]) since(version int) ([]Change[T], <-chan struct{}, bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	first := m.version - len(m.changes)
	if version < first || version > m.version {
		return nil, nil, false
	}
	return slices.Clone(m.changes[version-first:]), m.changed, true
}
