// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"reflect"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestAPIServiceOfSomebodyElseIsLeftAloneUntilItGoes(t *testing.T) {
	t.Parallel()
	const name, apiServiceName = "held-by-somebody", "v1.held-by-somebody.example.com"
	backend, _ := startBackend(t, name, "v1")
	foreign := otherAPIService(name+".example.com", "v1")
	create(t, foreign)
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	expectHeld(t, name, apiServiceName, unknownHolder)
	deleteNow(t, foreign)
	awaitRegistered(t, name)
}

func TestGroupOfACustomResourceDefinitionIsLeftAloneUntilItGoes(t *testing.T) {
	t.Parallel()
	const name, apiServiceName = "held-by-crd", "v1.held-by-crd.example.com"
	backend, _ := startBackend(t, name, "v1")
	crd := otherDefinition(name + ".example.com")
	create(t, crd)
	eventually(t, func() error {
		return plane.client.Get(ctx, client.ObjectKey{Name: apiServiceName}, &apiregistrationv1.APIService{})
	})
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	expectHeld(t, name, apiServiceName, "Kubernetes itself (a CustomResourceDefinition or a built-in group)")
	deleteNow(t, crd)
	awaitRegistered(t, name)
}

func TestGroupVersionOfAnotherExtensionAPIIsLeftAloneUntilThatGivesItUp(t *testing.T) {
	t.Parallel()
	const first, second, apiServiceName = "first-come", "second-come", "v1.first-come.example.com"
	backend, _ := startBackend(t, first, "v1", "v2")
	apply(t, backend.declare(groups(first+".example.com", "v1", "v2")))
	awaitRegistered(t, first)
	rival := backend.declare(groups(first+".example.com", "v1"))
	rival.Name = second
	apply(t, rival)
	expectHeld(t, second, apiServiceName, `ExtensionAPI "first-come"`)

	change(t, named(first), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups(first+".example.com", "v2") })
	awaitRegistered(t, second)
	awaitRegistered(t, first)
	expectAPIServices(t, first, "v2.first-come.example.com")
	expectAPIServices(t, second, apiServiceName)
}

func expectHeld(t *testing.T, name, apiServiceName, holder string) {
	t.Helper()
	ref := objectRef{"apiregistration.k8s.io/v1", "APIService", "", apiServiceName}
	before := essence(t, ref.read(t))
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonHeldByOther, apiServiceName, "belongs to "+holder),
		isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonHeldByOther, holder),
		isFalse(v1alpha1.ConditionAvailable, v1alpha1.ReasonNotRegistered))
	if after := essence(t, ref.read(t)); !reflect.DeepEqual(before, after) {
		t.Errorf("APIService %s was changed from\n%s\nto\n%s", apiServiceName, toJSON(t, before), toJSON(t, after))
	}
}
