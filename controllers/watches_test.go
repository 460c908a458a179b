// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/observe"
)

func TestEverythingIsTrimmedBeforeItIsCached(t *testing.T) {
	options := CacheOptions("extensionapi-system", observe.ServerNamespaces{})
	for object, by := range options.ByObject {
		if by.Transform != nil {
			t.Errorf("%T has a transformation of its own", object)
		}
	}
	for _, watch := range watches(extensionAPIs{}) {
		object, _ := watch.object.DeepCopyObject().(client.Object)
		object.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}"})
		if _, err := options.DefaultTransform(object); err != nil || len(object.GetAnnotations()) > 0 {
			t.Errorf("of %T, the cache keeps %v (%v)", object, object.GetAnnotations(), err)
		}
	}
}
