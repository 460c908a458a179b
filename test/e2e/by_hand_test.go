// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// byHandLabel replaces the owner label, so that the operator does not consider hand-written objects its own.
const byHandLabel = "e2e.extensionapi.dev/by-hand"

// kindsByHand is the order of the manifests of a user who knows that an APIService must be the last one.
var kindsByHand = []string{
	"ServiceAccount", "ClusterRoleBinding", "RoleBinding", "Secret", "Service", "Deployment", "PodDisruptionBudget",
	"APIService",
}

// writtenByHand lets the operator create everything, and returns the manifests that a user would have to write for the
// same result.
func writtenByHand(tb testing.TB, extensionAPI *v1alpha1.ExtensionAPI) []*unstructured.Unstructured {
	tb.Helper()
	original := extensionAPI.DeepCopy()
	create(tb, original)
	eventually(tb, time.Minute, ready(original))
	var manifests []*unstructured.Unstructured
	for _, made := range madeByOperator(tb) {
		if made.Namespace == operatorNamespace {
			continue // the CA
		}
		current, err := objects.Resource(made.GroupVersionResource).Namespace(made.Namespace).
			Get(tb.Context(), made.Name, metav1.GetOptions{})
		if err != nil {
			tb.Fatal(err)
		}
		manifests = append(manifests, manifestOf(tb, current))
	}
	slices.SortFunc(manifests, func(a, b *unstructured.Unstructured) int {
		return cmp.Compare(slices.Index(kindsByHand, a.GetKind()), slices.Index(kindsByHand, b.GetKind()))
	})
	if err := remove(tb.Context(), original); err != nil {
		tb.Fatal(err)
	}
	return manifests
}

// manifestOf returns the object without the fields that the cluster has set.
func manifestOf(tb testing.TB, current *unstructured.Unstructured) *unstructured.Unstructured {
	tb.Helper()
	for _, field := range [][]string{
		{"status"},
		{"metadata", "annotations"},
		{"metadata", "creationTimestamp"},
		{"metadata", "generation"},
		{"metadata", "managedFields"},
		{"metadata", "resourceVersion"},
		{"metadata", "uid"},
		{"spec", "clusterIP"},
		{"spec", "clusterIPs"},
	} {
		unstructured.RemoveNestedField(current.Object, field...)
	}
	content, err := current.MarshalJSON()
	if err != nil {
		tb.Fatal(err)
	}
	manifest := &unstructured.Unstructured{}
	if err := manifest.UnmarshalJSON(bytes.ReplaceAll(content, []byte(ownerLabel), []byte(byHandLabel))); err != nil {
		tb.Fatal(err)
	}
	return manifest
}

// applyByHand applies the manifests one after the other, as kubectl does.
func applyByHand(tb testing.TB, manifests ...*unstructured.Unstructured) {
	tb.Helper()
	for _, manifest := range manifests {
		configuration := client.ApplyConfigurationFromUnstructured(manifest.DeepCopy())
		if err := kube.Apply(tb.Context(), configuration, client.FieldOwner("e2e"), client.ForceOwnership); err != nil {
			tb.Fatal(err)
		}
	}
}

// deleteByHand deletes the objects in reverse order, and waits until they are gone.
func deleteByHand(tb testing.TB, manifests []*unstructured.Unstructured) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context()) // also to clean up after a test
	for _, manifest := range slices.Backward(manifests) {
		if err := client.IgnoreNotFound(kube.Delete(ctx, manifest)); err != nil {
			tb.Fatal(err)
		}
	}
	_, err := poll(ctx, 2*time.Minute, func(ctx context.Context) error {
		left, err := takeInventory(ctx, byHandLabel)
		if len(left) > 0 {
			err = errors.Join(err, fmt.Errorf("objects still exist: %q", slices.Collect(maps.Keys(left))))
		}
		return errors.Join(err, notServed("v1beta1")(ctx), notServed("v1alpha1")(ctx))
	})
	if err != nil {
		tb.Fatal(err)
	}
}
