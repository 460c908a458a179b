// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
)

// watchAll watches all objects of a kind for two minutes.
func watchAll(tb testing.TB, kind schema.GroupVersionResource) watch.Interface {
	tb.Helper()
	watcher, err := objects.Resource(kind).Watch(tb.Context(), metav1.ListOptions{TimeoutSeconds: ptr.To[int64](120)})
	if err != nil {
		tb.Fatal(err)
	}
	return watcher
}

// await waits for an event for which seen returns true, and stops the watch.
func await(tb testing.TB, watcher watch.Interface, seen func(*unstructured.Unstructured) bool) {
	tb.Helper()
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		if object, ok := event.Object.(*unstructured.Unstructured); ok && seen(object) {
			return
		}
	}
	tb.Fatal("the watch ended without the expected event")
}

// isTrue reports whether a condition of an object is True.
func isTrue(tb testing.TB, object *unstructured.Unstructured, conditionType string) bool {
	tb.Helper()
	parsed, err := status.GetObjectWithConditions(object.Object)
	if err != nil {
		tb.Fatal(err)
	}
	for _, condition := range parsed.Status.Conditions {
		if condition.Type == conditionType {
			return condition.Status == "True"
		}
	}
	return false
}
