// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// isAsWanted reports whether an object has all that is wanted, and nothing of the operator's besides, so that it need
// not be applied once more after a restart; an APIService only if the operator has applied it before, which is a mark.
// Of other kinds than these, the cache has only a part.
func isAsWanted(current client.Object, wanted *unstructured.Unstructured) bool {
	if !hasOnly(current, wanted) {
		return false
	}
	switch current := current.(type) {
	case *apiregistrationv1.APIService:
		full := &apiregistrationv1.APIService{}
		err := runtime.DefaultUnstructuredConverter.FromUnstructured(wanted.Object, full)
		return err == nil && ownership.AppliedByOperator(current) && equality.Semantic.DeepEqual(current.Spec, full.Spec)
	case *corev1.ConfigMap:
		full := &corev1.ConfigMap{}
		err := runtime.DefaultUnstructuredConverter.FromUnstructured(wanted.Object, full)
		return err == nil && equality.Semantic.DeepEqual(current.Data, full.Data) &&
			equality.Semantic.DeepEqual(current.BinaryData, full.BinaryData)
	default:
		return false
	}
}

// hasOnly reports whether an object has the labels and annotations that are wanted, and no other ones of the operator.
func hasOnly(current client.Object, wanted client.Object) bool {
	return areOnly(current.GetLabels(), wanted.GetLabels(), manifests.IsOwnLabel) &&
		areOnly(current.GetAnnotations(), wanted.GetAnnotations(), func(key string) bool {
			return strings.HasPrefix(key, manifests.OwnPrefix)
		})
}

func areOnly(current, wanted map[string]string, isOwn func(string) bool) bool {
	left := maps.Clone(current)
	maps.DeleteFunc(left, func(key, value string) bool {
		expected, found := wanted[key]
		return found && expected == value || !isOwn(key)
	})
	for key, value := range wanted {
		if current[key] != value {
			return false
		}
	}
	return len(left) == 0
}
