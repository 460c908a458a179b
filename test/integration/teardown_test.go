// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestDependenciesOfTheServerOutliveItsPods(t *testing.T) {
	t.Parallel()
	const name = "outlived"
	startRollout(t, name)
	deleteNow(t, named(name))
	// The Deployment waits for the garbage collector, as if there were Pods.
	await(t, name, status.TerminatingStatus,
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonDeleting,
			"waiting for the end of Deployment outlived/outlived"),
		isUnknown(v1alpha1.ConditionReady, v1alpha1.ReasonDeleting, "Deployment outlived/outlived"),
		isTrue(v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing))
	left := slices.Sorted(maps.Keys(objectsOf(t, name)))
	wanted := slices.DeleteFunc(ownedObjects(name), func(object string) bool {
		return object == "Service outlived/outlived" || object == "PodDisruptionBudget outlived/outlived"
	})
	if !slices.Equal(left, wanted) {
		t.Errorf("while its Pods terminate, the server has\n%q\nwant\n%q", left, wanted)
	}
	remove(t, name)
}

func TestServerIsUnregisteredBeforeItsExtensionAPIIsDeleted(t *testing.T) {
	t.Parallel()
	const name, apiServiceName = "unregistered", "v1.unregistered.example.com"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	release := hold(t, apiServiceName)

	deleteNow(t, named(name))
	await(t, name, status.TerminatingStatus,
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonDeleting,
			"waiting for the end of the APIServices "+apiServiceName))
	release()
	awaitDeleted(t, name)
	expectNotServed(t, "/apis/"+name+".example.com/v1")
}

// hold blocks the deletion of an APIService with a finalizer until release is called.
func hold(t *testing.T, apiServiceName string) (release func()) {
	t.Helper()
	held := &apiregistrationv1.APIService{ObjectMeta: in("", apiServiceName)}
	change(t, held, func(a *apiregistrationv1.APIService) { a.Finalizers = []string{"example.com/hold"} })
	return func() { change(t, held, func(a *apiregistrationv1.APIService) { a.Finalizers = nil }) }
}

func expectNotServed(t *testing.T, path string) {
	t.Helper()
	if err := restClient(t).Get().AbsPath(path).Do(ctx).Error(); !apierrors.IsNotFound(err) {
		t.Errorf("kube-apiserver responds for %s: %v", path, err)
	}
}

func restClient(t *testing.T) rest.Interface {
	t.Helper()
	clientset, err := kubernetes.NewForConfig(plane.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	return clientset.RESTClient()
}
