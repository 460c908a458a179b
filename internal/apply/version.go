// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// version returns a string that changes if any client changes what may have been applied, except labels. Status, which
// Kubernetes writes all the time, is excluded where possible: by the generation, or, as APIServices have none, by the
// content of their spec.
func version(object client.Object) string {
	if apiService, ok := asAPIService(object); ok {
		// It was read from JSON, so it can be written as JSON.
		spec, _ := json.Marshal(apiService.Spec)
		return fmt.Sprintf("%x", sha256.Sum256(spec))
	}
	if object.GetGeneration() == 0 {
		return object.GetResourceVersion()
	}
	return fmt.Sprint(object.GetGeneration())
}

// hasMarks reports whether an object has the operator's labels and owner UID as wanted. The cache does not keep others.
func hasMarks(object, wanted client.Object) bool {
	own := maps.Clone(wanted.GetLabels())
	maps.DeleteFunc(own, func(key, _ string) bool { return !manifests.IsOwnLabel(key) })
	return labels.SelectorFromSet(own).Matches(labels.Set(object.GetLabels())) &&
		object.GetAnnotations()[manifests.UIDAnnotation] == wanted.GetAnnotations()[manifests.UIDAnnotation]
}

func asAPIService(object client.Object) (*apiregistrationv1.APIService, bool) {
	if content, ok := object.(*unstructured.Unstructured); ok && content.GetKind() == "APIService" {
		converted := &apiregistrationv1.APIService{}
		err := runtime.DefaultUnstructuredConverter.FromUnstructured(content.Object, converted)
		return converted, err == nil
	}
	apiService, ok := object.(*apiregistrationv1.APIService)
	return apiService, ok
}
