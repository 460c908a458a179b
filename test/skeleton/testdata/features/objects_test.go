// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// namespaceOf is a namespace for each test.
func namespaceOf(t *testing.T) string {
	t.Helper()
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(t.Name()))
	return fmt.Sprintf("test-%x", sum.Sum32())
}

func field(object *unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedFieldNoCopy(object.Object, path...)
	return fmt.Sprint(value)
}

func testValidation(t *testing.T, kind kind) {
	created, c := create(t, kind, "valid")
	if class := field(created, "spec", "class"); class != "standard" {
		t.Errorf("the default class is %s", class)
	}
	_, err := c.Create(t.Context(), object(kind, "invalid", ""), metav1.CreateOptions{})
	if !errors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.message") {
		t.Errorf("without a message: %v", err)
	}
	_, err = c.Create(t.Context(), object(kind, "Not_A_Name", "hello"), metav1.CreateOptions{})
	if !errors.IsInvalid(err) || !strings.Contains(err.Error(), "metadata.name") {
		t.Errorf("with an invalid name: %v", err)
	}
	unknown := object(kind, "unknown", "hello")
	_ = unstructured.SetNestedField(unknown.Object, "x", "spec", "unknown")
	_, err = c.Create(t.Context(), unknown, metav1.CreateOptions{FieldValidation: "Strict"})
	if !errors.IsBadRequest(err) || !strings.Contains(err.Error(), "unknown field") {
		t.Errorf("with an unknown field: %v", err)
	}
}

func testStatus(t *testing.T, kind kind) {
	created, c := create(t, kind, "status")
	_ = unstructured.SetNestedField(created.Object, int64(7), "status", "observedGeneration")
	_ = unstructured.SetNestedField(created.Object, "changed", "spec", "message")
	updated, err := c.UpdateStatus(t.Context(), created, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if field(updated, "status", "observedGeneration") != "7" || field(updated, "spec", "message") != "hello" ||
		updated.GetGeneration() != 1 {
		t.Errorf("after an update of the status: %v", updated.Object)
	}
	_ = unstructured.SetNestedField(updated.Object, int64(8), "status", "observedGeneration")
	_ = unstructured.SetNestedField(updated.Object, "changed", "spec", "message")
	updated, err = c.Update(t.Context(), updated, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if field(updated, "status", "observedGeneration") != "7" || field(updated, "spec", "message") != "changed" ||
		updated.GetGeneration() != 2 {
		t.Errorf("after an update of the specification: %v", updated.Object)
	}
}

func testSelectors(t *testing.T, kind kind) {
	c := clientOf(t, config, kind, namespaceOf(t))
	for name, class := range map[string]string{"a": "fine", "b": "coarse"} {
		created := object(kind, name, "hello")
		_ = unstructured.SetNestedField(created.Object, class, "spec", "class")
		created.SetLabels(map[string]string{"class": class})
		if _, err := c.Create(t.Context(), created, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, options := range []metav1.ListOptions{
		{FieldSelector: "spec.class=fine"}, {LabelSelector: "class=fine"}, {FieldSelector: "metadata.name=a"},
	} {
		list, err := c.List(t.Context(), options)
		if err != nil || len(list.Items) != 1 || list.Items[0].GetName() != "a" {
			t.Errorf("%s%s: %v, %v", options.FieldSelector, options.LabelSelector, list, err)
		}
	}
	_, err := c.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.message=hello"})
	if !errors.IsBadRequest(err) {
		t.Errorf("a field that cannot be selected: %v", err)
	}
}

func testConversion(t *testing.T, kind kind) {
	created, _ := create(t, kind, "converted")
	for _, version := range []string{"v1", "v1beta1"} {
		other := kind.in(version)
		c := clientOf(t, config, other, namespaceOf(t))
		converted, err := c.Get(t.Context(), "converted", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if converted.GroupVersionKind() != other.resource.GroupVersion().WithKind(kind.name) ||
			converted.GetUID() != created.GetUID() || field(converted, "spec", "message") != "hello" {
			t.Errorf("in %s: %v", version, converted.Object)
		}
		_ = unstructured.SetNestedField(converted.Object, version, "spec", "class")
		if _, err := c.Update(t.Context(), converted, metav1.UpdateOptions{}); err != nil {
			t.Errorf("an update in %s: %v", version, err)
		}
	}
}

func testWrites(t *testing.T, kind kind) {
	created, c := create(t, kind, "written")
	stale := created.DeepCopy()
	applied := object(kind, "written", "applied")
	result, err := c.Apply(t.Context(), "written", applied, metav1.ApplyOptions{FieldManager: "test", Force: true})
	if err != nil || field(result, "spec", "message") != "applied" || len(result.GetManagedFields()) < 2 {
		t.Errorf("server-side apply: %v, %v", result, err)
	}
	_ = unstructured.SetNestedField(stale.Object, "stale", "spec", "message")
	if _, err := c.Update(t.Context(), stale, metav1.UpdateOptions{}); !errors.IsConflict(err) {
		t.Errorf("an update of an old version: %v", err)
	}
	_, err = c.Create(t.Context(), object(kind, "written", "hello"), metav1.CreateOptions{})
	if !errors.IsAlreadyExists(err) {
		t.Errorf("a second object of the name: %v", err)
	}
	for name, another := range map[string]*metav1.Preconditions{
		"UID":             metav1.NewUIDPreconditions("another"),
		"resourceVersion": {ResourceVersion: new(created.GetResourceVersion())},
	} {
		err := c.Delete(t.Context(), "written", metav1.DeleteOptions{Preconditions: another})
		if !errors.IsConflict(err) {
			t.Errorf("a deletion with another %s: %v", name, err)
		}
	}
	dry := metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}
	if err := c.Delete(t.Context(), "written", dry); err != nil {
		t.Errorf("a dry run: %v", err)
	}
	if _, err := c.Get(t.Context(), "written", metav1.GetOptions{}); err != nil {
		t.Errorf("after a dry run of its deletion: %v", err)
	}
	if err := c.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Errorf("deletion of all: %v", err)
	}
	if _, err := c.Get(t.Context(), "written", metav1.GetOptions{}); !errors.IsNotFound(err) {
		t.Errorf("after its deletion: %v", err)
	}
}

func testFinalizer(t *testing.T, kind kind) {
	created, c := create(t, kind, "held")
	created.SetFinalizers([]string{"example.com/held"})
	if _, err := c.Update(t.Context(), created, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), "held", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	held, err := c.Get(t.Context(), "held", metav1.GetOptions{})
	if err != nil || held.GetDeletionTimestamp() == nil {
		t.Fatalf("while it has a finalizer: %v, %v", held, err)
	}
	held.SetFinalizers(nil)
	if _, err := c.Update(t.Context(), held, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "held", metav1.GetOptions{}); !errors.IsNotFound(err) {
		t.Errorf("without its finalizer: %v", err)
	}
}

// testInvalidVersion is for a backend: with etcd it depends on the version of k8s.io/apiserver.
func testInvalidVersion(t *testing.T) {
	c := clientOf(t, config, kinds[1], namespaceOf(t))
	options := metav1.ListOptions{ResourceVersion: "x"}
	if _, err := c.List(t.Context(), options); !errors.IsBadRequest(err) {
		t.Errorf("a list: %v", err)
	}
	if _, err := c.Watch(t.Context(), options); !errors.IsBadRequest(err) {
		t.Errorf("a watch: %v", err)
	}
}

func testAdmission(t *testing.T) {
	for _, kind := range kinds {
		c := clientOf(t, admitted, kind, "default")
		_, err := c.Create(t.Context(), object(kind, "forbidden", "forbidden"), metav1.CreateOptions{})
		if err == nil || !strings.Contains(err.Error(), "the policy of the test") {
			t.Errorf("%s that a policy forbids: %v", kind.name, err)
		}
		if _, err := c.Create(t.Context(), object(kind, "permitted", "hello"), metav1.CreateOptions{}); err != nil {
			t.Errorf("%s that a policy permits: %v", kind.name, err)
		}
	}
}
