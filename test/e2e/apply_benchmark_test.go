// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// BenchmarkApply measures the time from the first request of an apply until a watch sees every APIService available:
// for one ExtensionAPI, and for the same objects written by hand, alternately. Each run starts without leftovers of the
// previous one; images, etcd and namespace exist before.
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
	b.ReportMetric(0, "ns/op") // includes both ways and the cleanup between them
	b.ReportMetric(median(operator).Seconds(), "operator-s")
	b.ReportMetric(median(hand).Seconds(), "hand-s")
	b.ReportMetric(median(operator).Seconds()/median(hand).Seconds(), "operator/hand")
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
	deleteByHand(b, manifests)
	return took
}

// timeApply applies the manifests and waits until the API is available.
func timeApply(b *testing.B, manifests ...*unstructured.Unstructured) time.Duration {
	b.Helper()
	watcher := watchAll(b, apiregistrationv1.SchemeGroupVersion.WithResource("apiservices"))
	start := time.Now()
	applyByHand(b, manifests...)
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
