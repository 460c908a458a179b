// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

func TestOnlyWhatIsAsWantedIsNotAppliedAfterARestart(t *testing.T) {
	apiService := func(change func(*apiregistrationv1.APIService)) *apiregistrationv1.APIService {
		result := &apiregistrationv1.APIService{
			ObjectMeta: metav1.ObjectMeta{
				Name: "v1.example.com", Labels: map[string]string{manifests.OwnerLabel: "own"},
				Annotations: map[string]string{manifests.UIDAnnotation: "uid"},
			},
			Spec: apiregistrationv1.APIServiceSpec{
				Group: "example.com", Version: "v1", CABundle: []byte("CA"),
				Service: &apiregistrationv1.ServiceReference{Namespace: "own", Name: "own", Port: new(int32(443))},
			},
		}
		change(result)
		return result
	}
	encoded, err := runtime.DefaultUnstructuredConverter.ToUnstructured(apiService(func(*apiregistrationv1.APIService) {}))
	if err != nil {
		t.Fatal(err)
	}
	wanted := &unstructured.Unstructured{Object: encoded}
	applied := []metav1.ManagedFieldsEntry{
		{Manager: ownership.FieldOwner, Operation: metav1.ManagedFieldsOperationApply},
	}
	for name, test := range map[string]struct {
		change func(*apiregistrationv1.APIService)
		want   bool
	}{
		"as wanted":       {func(*apiregistrationv1.APIService) {}, true},
		"a foreign label": {func(a *apiregistrationv1.APIService) { a.Labels["team"] = "a" }, true},
		"never applied":   {func(a *apiregistrationv1.APIService) { a.ManagedFields = nil }, false},
		"without a mark":  {func(a *apiregistrationv1.APIService) { a.Labels = nil }, false},
		"an earlier mark": {func(a *apiregistrationv1.APIService) { a.Labels[manifests.OwnPrefix+"earlier"] = "a" }, false},
		"another CA":      {func(a *apiregistrationv1.APIService) { a.Spec.CABundle = []byte("other") }, false},
		"more than that":  {func(a *apiregistrationv1.APIService) { a.Spec.InsecureSkipTLSVerify = true }, false},
	} {
		current := apiService(func(*apiregistrationv1.APIService) {})
		current.ManagedFields = applied
		test.change(current)
		if got := isAsWanted(current, wanted); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	var metadata client.Object = inventory.Metadata(inventory.Deployment.GroupVersionKind)
	metadata.SetManagedFields(applied)
	if isAsWanted(metadata, &unstructured.Unstructured{}) {
		t.Error("an object of which the cache has only metadata is taken for complete")
	}
}
