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
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// BenchmarkApply measures the time from the first request of an apply to the moment at which a watch sees every
// APIService available: of one ExtensionAPI, and of the same objects written by hand, in turn. Every run starts from
// nothing left; images, etcd and namespace are there before.
func BenchmarkApply(b *testing.B) {
	extensionAPI := wardle(b, sampleNamespace)
	manifests := writtenByHand(b, extensionAPI)
	var operator, hand []time.Duration
	for b.Loop() {
		operator = append(operator, timeOperator(b, extensionAPI))
		hand = append(hand, timeHand(b, manifests))
		progress("run %2d: operator %s, by hand %s", len(hand), operator[len(operator)-1], hand[len(hand)-1])
	}
	progress("operator: median %s, min %s, max %s", median(operator), slices.Min(operator), slices.Max(operator))
	progress("by hand:  median %s, min %s, max %s", median(hand), slices.Min(hand), slices.Max(hand))
	b.ReportMetric(0, "ns/op") // both ways and the cleaning up between them: of no interest
	b.ReportMetric(median(operator).Seconds(), "operator-s")
	b.ReportMetric(median(hand).Seconds(), "hand-s")
	b.ReportMetric(median(operator).Seconds()/median(hand).Seconds(), "operator/hand")
}

// byHandLabel takes the owner label's place, for the operator to see nothing of its own in what is written by hand.
const byHandLabel = "e2e.extensionapi.dev/by-hand"

// kindsByHand is the order in which somebody would write the manifests who knows that an APIService comes last.
var kindsByHand = []string{
	"ServiceAccount", "ClusterRoleBinding", "RoleBinding", "Secret", "Service", "Deployment", "PodDisruptionBudget",
	"APIService",
}

// writtenByHand has the operator make everything, and returns what somebody would have to write to have the same.
func writtenByHand(b *testing.B, extensionAPI *v1alpha1.ExtensionAPI) []*unstructured.Unstructured {
	b.Helper()
	original := extensionAPI.DeepCopy()
	create(b, original)
	eventually(b, time.Minute, ready(original))
	var manifests []*unstructured.Unstructured
	for _, made := range madeByOperator(b) {
		if made.Namespace == operatorNamespace {
			continue // the certificate authority
		}
		current, err := objects.Resource(made.GroupVersionResource).Namespace(made.Namespace).
			Get(b.Context(), made.Name, metav1.GetOptions{})
		if err != nil {
			b.Fatal(err)
		}
		manifests = append(manifests, manifestOf(b, current))
	}
	slices.SortFunc(manifests, func(a, b *unstructured.Unstructured) int {
		return cmp.Compare(slices.Index(kindsByHand, a.GetKind()), slices.Index(kindsByHand, b.GetKind()))
	})
	if err := remove(b.Context(), original); err != nil {
		b.Fatal(err)
	}
	return manifests
}

// manifestOf is the object without what the cluster has added.
func manifestOf(b *testing.B, current *unstructured.Unstructured) *unstructured.Unstructured {
	b.Helper()
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
		b.Fatal(err)
	}
	manifest := &unstructured.Unstructured{}
	if err := manifest.UnmarshalJSON(bytes.ReplaceAll(content, []byte(ownerLabel), []byte(byHandLabel))); err != nil {
		b.Fatal(err)
	}
	return manifest
}

func timeOperator(b *testing.B, extensionAPI *v1alpha1.ExtensionAPI) time.Duration {
	b.Helper()
	manifest, err := toUnstructured(extensionAPI)
	if err != nil {
		b.Fatal(err)
	}
	took := timeApply(b, manifest)
	if err := remove(b.Context(), extensionAPI); err != nil {
		b.Fatal(err)
	}
	return took
}

func timeHand(b *testing.B, manifests []*unstructured.Unstructured) time.Duration {
	b.Helper()
	took := timeApply(b, manifests...)
	for _, manifest := range slices.Backward(manifests) {
		if err := kube.Delete(b.Context(), manifest); err != nil {
			b.Fatal(err)
		}
	}
	eventually(b, time.Minute, func(ctx context.Context) error {
		left, err := takeInventory(ctx, byHandLabel)
		if len(left) > 0 {
			err = errors.Join(err, fmt.Errorf("still there: %q", slices.Collect(maps.Keys(left))))
		}
		return errors.Join(err, notServed("v1beta1")(ctx), notServed("v1alpha1")(ctx))
	})
	return took
}

// timeApply applies the manifests one after the other, as kubectl does.
func timeApply(b *testing.B, manifests ...*unstructured.Unstructured) time.Duration {
	b.Helper()
	watcher := watchAll(b, apiregistrationv1.SchemeGroupVersion.WithResource("apiservices"))
	start := time.Now()
	for _, manifest := range manifests {
		configuration := client.ApplyConfigurationFromUnstructured(manifest.DeepCopy())
		if err := kube.Apply(b.Context(), configuration, client.FieldOwner("e2e"), client.ForceOwnership); err != nil {
			b.Fatal(err)
		}
	}
	waiting := map[string]bool{"v1beta1." + flunderGroup: true, "v1alpha1." + flunderGroup: true}
	await(b, watcher, func(object *unstructured.Unstructured) bool {
		if isTrue(b, object, string(apiregistrationv1.Available)) {
			delete(waiting, object.GetName())
		}
		return len(waiting) == 0
	})
	return time.Since(start).Round(time.Millisecond)
}

func median(durations []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(durations))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
