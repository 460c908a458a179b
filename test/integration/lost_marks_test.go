// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

// An APIService that is left behind without a server blocks the deletion of all namespaces. These tests look for
// leftovers by name.

// losses are patches that remove the operator's label and annotation.
var losses = map[string]client.Patch{
	"label": client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":null}}`)),
	"marks": client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":null,"annotations":null}}`)),
}

func TestUnmarkedAPIServiceIsDeletedWithItsSuspendedExtensionAPI(t *testing.T) {
	t.Parallel()
	for lost, loss := range losses {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			name := "suspended-without-" + lost
			wanted, unwanted := apiServiceOf(name, "v1"), apiServiceOf(name, "v2")
			said := loseWhileSuspended(t, name, loss, wanted, unwanted)
			deleteNow(t, named(name))
			awaitDeleted(t, name)
			expectGone(t, wanted, unwanted)
			expectNeverUnregistered(t, said())
		})
	}
}

func TestUnmarkedSuspendedAPIServiceIsDeletedWithTheServersNamespace(t *testing.T) {
	t.Parallel()
	for lost, loss := range losses {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			name := "namespace-without-" + lost
			wanted, unwanted := apiServiceOf(name, "v1"), apiServiceOf(name, "v2")
			said := loseWhileSuspended(t, name, loss, wanted, unwanted)
			namespace := &corev1.Namespace{ObjectMeta: in("", name)}
			deleteNow(t, namespace)
			await(t, name, status.InProgressStatus,
				isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonNamespaceTerminating, "APIServices have been removed"))
			expectGone(t, wanted, unwanted)
			expectNeverUnregistered(t, said())
			finishDeletion(t, namespace)
		})
	}
}

// loseWhileSuspended registers two versions, removes one from the spec, and removes the marks from both APIServices.
// The returned function returns the reasons that were reported since.
func loseWhileSuspended(
	t *testing.T, name string, loss client.Patch, apiServices ...*apiregistrationv1.APIService,
) (said func() sets.Set[string]) {
	t.Helper()
	backend, _ := startBackend(t, name, "v1", "v2")
	apply(t, backend.declare(groups(name+".example.com", "v1", "v2")))
	awaitRegistered(t, name)
	said = recordReasons(t, name)
	suspend(t, name)
	awaitSuspended(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups(name+".example.com", "v1") })
	for _, apiService := range apiServices {
		lose(t, apiService, loss)
	}
	await(t, name, status.CurrentStatus,
		isSuspended("withheld: APIService v1."+name+".example.com, the deletion of APIService v2."+name+".example.com. "),
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
	return said
}

func TestAPIServiceThatKeepsLosingItsMarksIsDeletedWithItsExtensionAPI(t *testing.T) {
	t.Parallel()
	for lost, loss := range losses {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			name := "always-without-" + lost
			backend, _ := startBackend(t, name, "v1")
			apply(t, backend.declare(groups(name+".example.com", "v1")))
			awaitRegistered(t, name)
			said := recordReasons(t, name)
			apiService := apiServiceOf(name, "v1")
			stop := keepLosing(t, apiService, loss)
			await(t, name, status.FailedStatus,
				isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonContested, "another owner keeps changing it"),
				isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
			deleteNow(t, named(name))
			awaitDeleted(t, name)
			stop()
			expectGone(t, apiService)
			expectNeverUnregistered(t, said())
		})
	}
}

// keepLosing keeps removing the marks from an APIService until stop is called.
func keepLosing(t *testing.T, apiService *apiregistrationv1.APIService, loss client.Patch) (stop func()) {
	t.Helper()
	var stopped atomic.Bool
	var changes sync.WaitGroup
	changes.Go(func() {
		for !stopped.Load() {
			lose(t, apiService.DeepCopy(), loss)
		}
	})
	stop = func() {
		stopped.Store(true)
		changes.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func apiServiceOf(name, version string) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{ObjectMeta: in("", version+"."+name+".example.com")}
}

// lose removes the marks from an APIService, if it exists.
func lose(t *testing.T, apiService *apiregistrationv1.APIService, loss client.Patch) {
	t.Helper()
	err := plane.client.Patch(ctx, apiService, loss, client.FieldOwner(otherManager))
	if client.IgnoreNotFound(err) != nil {
		t.Error(err)
	}
}

func expectGone(t *testing.T, apiServices ...*apiregistrationv1.APIService) {
	t.Helper()
	for _, apiService := range apiServices {
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(apiService), apiService); !apierrors.IsNotFound(err) {
			t.Errorf("APIService %s is left behind: %v", apiService.Name, err)
		}
	}
}

// recordReasons watches an ExtensionAPI. The returned function stops the watch and returns the reasons that any
// condition has had.
func recordReasons(t *testing.T, name string) (end func() sets.Set[string]) {
	t.Helper()
	watcher, err := client.NewWithWatch(plane.env.Config, client.Options{Scheme: kinds.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	watching, err := watcher.Watch(ctx, &v1alpha1.ExtensionAPIList{}, client.MatchingFields{"metadata.name": name})
	if err != nil {
		t.Fatal(err)
	}
	reasons := sets.New[string]()
	var noting sync.WaitGroup
	noting.Go(func() {
		for event := range watching.ResultChan() {
			if extensionAPI, ok := event.Object.(*v1alpha1.ExtensionAPI); ok {
				for _, condition := range extensionAPI.Status.Conditions {
					reasons.Insert(condition.Reason)
				}
			}
		}
	})
	end = sync.OnceValue(func() sets.Set[string] {
		watching.Stop()
		noting.Wait()
		return reasons
	})
	t.Cleanup(func() { end() })
	return end
}

// expectNeverUnregistered checks that an API that was served all the time was never reported as unregistered.
func expectNeverUnregistered(t *testing.T, said sets.Set[string]) {
	t.Helper()
	if !said.Has(v1alpha1.ReasonAllAvailable) {
		t.Errorf("only the reasons %q were recorded", sets.List(said))
	}
	if said.Has(v1alpha1.ReasonNotRegistered) {
		t.Errorf("the reported reasons were %q", sets.List(said))
	}
}
