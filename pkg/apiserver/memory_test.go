// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func thing(namespace, name, version string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, ResourceVersion: version},
	}
}

// put stores an object that must be accepted, and returns its version.
func put(t *testing.T, backend Backend[*metav1.PartialObjectMetadata], namespace, name, version string) string {
	t.Helper()
	stored, err := backend.Put(t.Context(), thing(namespace, name, version))
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestMemoryRefusesWhatIsBasedOnAnotherVersion(t *testing.T) {
	memory := NewMemory[*metav1.PartialObjectMetadata]()
	first := put(t, memory, "a", "x", "")
	second := put(t, memory, "a", "x", first)
	for _, version := range []string{"", first, "999"} {
		if _, err := memory.Put(t.Context(), thing("a", "x", version)); !errors.Is(err, ErrConflict) {
			t.Errorf("a write in the place of version %q: %v", version, err)
		}
		if _, err := memory.Delete(t.Context(), thing("a", "x", version)); !errors.Is(err, ErrConflict) {
			t.Errorf("a deletion of version %q: %v", version, err)
		}
	}
	if _, err := memory.Delete(t.Context(), thing("a", "x", second)); err != nil {
		t.Error(err)
	}
	if _, err := memory.Get(t.Context(), "a", "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after its deletion: %v", err)
	}
}

func TestMemoryListsANamespaceOrAll(t *testing.T) {
	memory := NewMemory[*metav1.PartialObjectMetadata]()
	put(t, memory, "a", "x", "")
	last := put(t, memory, "b", "y", "")
	for namespace, want := range map[string]int{"a": 1, "b": 1, "c": 0, "": 2} {
		objects, version, err := memory.List(t.Context(), namespace)
		if err != nil || len(objects) != want || version != last {
			t.Errorf("namespace %q has %d objects at %s: %v", namespace, len(objects), version, err)
		}
	}
}

func TestMemoryKeepsNothingThatItsCallerChanges(t *testing.T) {
	memory := NewMemory[*metav1.PartialObjectMetadata]()
	object := thing("a", "x", "")
	if _, err := memory.Put(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	object.Labels = map[string]string{"changed": "true"}
	stored, err := memory.Get(t.Context(), "a", "x")
	if err != nil || len(stored.Labels) != 0 {
		t.Errorf("the stored object is %v: %v", stored, err)
	}
}

func TestMemoryWatchesAllChangesAfterAVersion(t *testing.T) {
	memory := NewMemory[*metav1.PartialObjectMetadata]()
	first := put(t, memory, "a", "x", "")
	second := put(t, memory, "a", "x", first)
	ctx, stop := context.WithCancel(t.Context())
	changes, err := memory.Watch(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := memory.Delete(t.Context(), thing("a", "x", second))
	if err != nil {
		t.Fatal(err)
	}
	change := <-changes
	if change.Deleted || change.Object.ResourceVersion != second || change.Old.ResourceVersion != first {
		t.Errorf("the first change is %+v", change)
	}
	if change = <-changes; !change.Deleted || change.Object.ResourceVersion != deleted {
		t.Errorf("the second change is %+v", change)
	}
	stop()
	if change, open := <-changes; open {
		t.Errorf("after its end it sends %+v", change)
	}
}

func TestMemoryForgetsOldChanges(t *testing.T) {
	memory := NewMemory[*metav1.PartialObjectMetadata]()
	for i := range history + 1 {
		put(t, memory, "a", strconv.Itoa(i), "")
	}
	if _, err := memory.Watch(t.Context(), "1"); !errors.Is(err, ErrExpired) {
		t.Errorf("a watch from the first version: %v", err)
	}
	if _, err := memory.Watch(t.Context(), "2"); err != nil {
		t.Errorf("a watch from the first version that is known: %v", err)
	}
	for _, future := range []string{"99999", "18446744073709551615"} {
		if _, err := memory.Watch(t.Context(), future); !errors.Is(err, ErrExpired) {
			t.Errorf("a watch from the version %s of the future: %v", future, err)
		}
	}
}
