// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/holders"
)

func TestGroupVersionOfAnotherOwnerIsNotTouchedUntilReleased(t *testing.T) {
	t.Parallel()
	for _, holder := range holders.All {
		t.Run(holder.Kind, func(t *testing.T) {
			t.Parallel()
			name := "held-by-" + holder.Kind + "-before"
			backend, _ := startBackend(t, name, "v1", "v2")
			do(t, holder.Claim, name)
			if holder.Yields {
				t.Cleanup(func() { remove(t, holders.Rival(name)) })
			}
			before := essenceOf(t, name)
			awaitNextSecond(t) // creationTimestamps have a resolution of a second
			apply(t, backend.declare(shared(groups(name+".example.com", "v1", "v2"))))
			awaitHeld(t, name, holder.Reason, holder.Message)
			expectDocumented(t, "held-by-"+holder.Kind, name, v1alpha1.ConditionClaimed)
			if after := essenceOf(t, name); before != nil && !reflect.DeepEqual(before, after) {
				t.Errorf("the object of another owner was changed from\n%s\nto\n%s", toJSON(t, before), toJSON(t, after))
			}
			do(t, holder.Release, name)
			awaitClaimed(t, name)
			expectAPIServices(t, name, "v1."+name+".example.com", "v2."+name+".example.com")
		})
	}
}

func TestGroupIsSharedOnlyIfAllowed(t *testing.T) {
	t.Parallel()
	for _, holder := range holders.All {
		t.Run(holder.Kind, func(t *testing.T) {
			t.Parallel()
			name := "split-by-" + holder.Kind
			backend, _ := startBackend(t, name, "v2")
			do(t, holder.Claim, name)
			if holder.Yields {
				t.Cleanup(func() { remove(t, holders.Rival(name)) })
			}
			awaitNextSecond(t)
			apply(t, backend.declare(groups(name+".example.com", "v2")))
			if holder.HasGroup {
				await(t, name, status.FailedStatus,
					isFalse(v1alpha1.ConditionClaimed, holder.Reason, "v2."+name, "v1 of the group", "sharing: Allowed"),
					isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonNotClaimed, "its group belongs to"))
				expectAPIServices(t, name)
				change(t, named(name), func(e *v1alpha1.ExtensionAPI) { shared(e.Spec.Groups) })
			}
			awaitClaimed(t, name)
			expectAPIServices(t, name, "v2."+name+".example.com")
			do(t, holder.Release, name)
		})
	}
}

func TestRegisteredGroupIsHeldUntilItsExtensionAPIIsDeleted(t *testing.T) {
	t.Parallel()
	const first, second, group = "group-first", "group-second", "group-first.example.com"
	backend, _ := startBackend(t, first, "v1", "v2")
	apply(t, backend.declare(groups(group, "v1")))
	awaitRegistered(t, first)
	rival := backend.declare(groups(group, "v2"))
	rival.Name = second
	apply(t, rival)
	await(t, second, status.FailedStatus, isFalse(v1alpha1.ConditionClaimed, v1alpha1.ReasonHeldByExtensionAPI,
		"v2."+group, `ExtensionAPI "group-first", which has registered v1 of the group`))
	expectDocumented(t, "group-of-extensionapi", second, v1alpha1.ConditionClaimed)
	await(t, first, status.CurrentStatus, isTrue(v1alpha1.ConditionClaimed, v1alpha1.ReasonClaimed))
	remove(t, first)
	awaitClaimed(t, second)
}

func TestCRDInTheGroupIsReported(t *testing.T) {
	t.Parallel()
	const name = "group-of-definition"
	backend, _ := startBackend(t, name, "v2")
	crd := func() *apiextensionsv1.CustomResourceDefinition { return holders.CRD(name) }
	create(t, crd())
	apply(t, backend.declare(groups(name+".example.com", "v2")))
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionClaimed, v1alpha1.ReasonHeldByCustomResourceDefinition, "which has v1 of the group"))
	expectDocumented(t, "group-of-crd", name, v1alpha1.ConditionClaimed)
	do(t, holders.DeleteCRD, name)
	awaitClaimed(t, name)
	create(t, crd())
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionClaimed, v1alpha1.ReasonContested, "its group is split"),
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
	expectDocumented(t, "group-split-by-crd", name, v1alpha1.ConditionClaimed)
	do(t, holders.DeleteCRD, name)
	awaitClaimed(t, name)
}

func TestLaterClaimIsReportedUntilReleased(t *testing.T) {
	t.Parallel()
	for _, holder := range holders.All {
		if holder.Yields {
			continue // TestRegisteredGroupVersionIsKeptWhenAnOlderExtensionAPIClaimsIt
		}
		t.Run(holder.Kind, func(t *testing.T) {
			t.Parallel()
			name := "held-by-" + holder.Kind + "-later"
			backend, _ := startBackend(t, name, "v1", "v2")
			apply(t, backend.declare(shared(groups(name+".example.com", "v1", "v2"))))
			awaitRegistered(t, name)
			do(t, holder.TakeOver, name)
			if holder.Contests {
				await(t, name, status.CurrentStatus,
					isTrue(v1alpha1.ConditionClaimed, v1alpha1.ReasonContested, "v1."+name, holder.Message, "Delete the CRD"),
					isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
				expectDocumented(t, "contested-by-"+holder.Kind, name, v1alpha1.ConditionClaimed)
			} else {
				awaitHeld(t, name, holder.Reason, holder.Message)
			}
			do(t, holder.Release, name)
			awaitClaimed(t, name)
		})
	}
}

// do runs an action, and retries it when the operator writes the same object concurrently.
func do(t *testing.T, action holders.Action, name string) {
	t.Helper()
	eventually(t, func() error { return action(ctx, plane.client, name) })
}

func awaitClaimed(t *testing.T, name string) {
	t.Helper()
	awaitRegistered(t, name)
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionClaimed, v1alpha1.ReasonClaimed))
}

func TestAPIServiceMarkedByAnotherOwnerIsKeptAndReported(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct {
		mark  func(*apiregistrationv1.APIService)
		words string
	}{
		"helm": {holders.OfHelm, `Helm release "prod/shop"`},
		"olm":  {holders.OfOLM, `ClusterServiceVersion "shop.v1"`},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			name := "marked-by-" + kind
			backend, _ := startBackend(t, name, "v1")
			apply(t, backend.declare(groups(name+".example.com", "v1")))
			awaitRegistered(t, name)
			unchanged := essenceOf(t, name)
			change(t, holders.APIService(name), func(a *apiregistrationv1.APIService) {
				test.mark(a)
				a.Spec.Service.Name = "elsewhere"
			})
			await(t, name, status.CurrentStatus,
				isTrue(v1alpha1.ConditionClaimed, v1alpha1.ReasonContested, test.words, "Remove it there"))
			expectDocumented(t, "marked-by-"+kind, name, v1alpha1.ConditionClaimed)
			eventually(t, func() error {
				if now := essenceOf(t, name); !reflect.DeepEqual(now["spec"], unchanged["spec"]) {
					return fmt.Errorf("its spec is %s", toJSON(t, now["spec"]))
				}
				return nil
			})
			change(t, holders.APIService(name), func(a *apiregistrationv1.APIService) {
				a.Annotations = nil
				delete(a.Labels, "olm.owner")
			})
			awaitClaimed(t, name)
		})
	}
}

func TestCAInjectionAnnotationIsRemoved(t *testing.T) {
	t.Parallel()
	const name, annotation = "injected", "cert-manager.io/inject-ca-from"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	change(t, holders.APIService(name), func(a *apiregistrationv1.APIService) {
		metav1.SetMetaDataAnnotation(&a.ObjectMeta, annotation, "prod/shop")
		metav1.SetMetaDataAnnotation(&a.ObjectMeta, "note", "of another client")
	})
	expectEvent(t, name, "Warning Contested", "cert-manager's cainjector would write the caBundle")
	left := readAPIService(t, name).Annotations
	if left[annotation] != "" || left["note"] == "" {
		t.Errorf("the annotations are %v", left)
	}
}

func TestConflictingWriterIsNamedAndRevertsBackOff(t *testing.T) {
	t.Parallel()
	const name = "fought-over"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	fighting, stop := context.WithCancel(ctx)
	defer stop()
	var changes sync.WaitGroup
	changes.Go(func() {
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"versionPriority":7}}`))
		for fighting.Err() == nil {
			err := plane.client.Patch(fighting, holders.APIService(name), patch, client.FieldOwner(otherManager))
			if err != nil && fighting.Err() == nil {
				t.Error(err)
			}
		}
	})
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonContested, unknownHolder+" keeps changing it", "reverted again"),
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
	expectDocumented(t, "fought-over", name, v1alpha1.ConditionRegistered)
	stop()
	changes.Wait()
	awaitRegistered(t, name)
	if priority := readAPIService(t, name).Spec.VersionPriority; priority == 7 {
		t.Error("the APIService was not reverted")
	}
}

func TestConflictDoesNotHideFaultsOfOtherVersions(t *testing.T) {
	t.Parallel()
	const name = "held-and-failing"
	backend, server := startBackend(t, name, "v1", "v2")
	create(t, holders.APIService(name))
	apply(t, backend.declare(groups(name+".example.com", "v1", "v2")))
	awaitHeld(t, name, v1alpha1.ReasonHeldByOther, unknownHolder)
	server.Behave(failing(http.StatusInternalServerError))
	triggerAvailabilityCheck(t, backend)
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionAPIServicesAvailable, "FailedDiscoveryCheck", "v2."+name),
		isFalse(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonServerError, "v2."+name))
	deleteNow(t, holders.APIService(name))
}

func TestRegisteredGroupVersionIsKeptWhenAnOlderExtensionAPIClaimsIt(t *testing.T) {
	t.Parallel()
	const older, younger, group = "older-later", "younger-first", "older-later.example.com"
	backend, _ := startBackend(t, older, "v1", "v2")
	apply(t, backend.declare(shared(groups(group, "v2"))))
	awaitNextSecond(t)
	rival := backend.declare(shared(groups(group, "v1")))
	rival.Name = younger
	apply(t, rival)
	awaitRegistered(t, younger)

	change(t, named(older), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = shared(groups(group, "v2", "v1")) })
	awaitHeld(t, older, v1alpha1.ReasonHeldByExtensionAPI, `ExtensionAPI "younger-first", which has registered it`)
	await(t, younger, status.CurrentStatus, isTrue(v1alpha1.ConditionClaimed, v1alpha1.ReasonClaimed))
	remove(t, younger)
	awaitRegistered(t, older)
	expectAPIServices(t, older, "v1."+group, "v2."+group)
}

func TestOlderOfTwoConcurrentlyCreatedExtensionAPIsWins(t *testing.T) {
	t.Parallel()
	const server = "at-once"
	backend, backendServer := startBackend(t, server, "v1")
	for round := range 5 {
		first, second := fmt.Sprintf("at-once-a%d", round), fmt.Sprintf("at-once-b%d", round)
		backendServer.Behave(unavailable) // or the first to register before the other exists would keep the group-version
		created := createAtOnce(t, backend, second, first)
		backendServer.Behave(extensionserver.Behaviour{})
		winner, loser := first, second
		if created[second].Before(created[first]) {
			winner, loser = second, first
		}
		await(t, loser, status.FailedStatus, isFalse(v1alpha1.ConditionClaimed, v1alpha1.ReasonHeldByExtensionAPI,
			fmt.Sprintf("ExtensionAPI %q", winner)))
		awaitRegistered(t, winner)
		expectAPIServices(t, loser)
		remove(t, winner)
		awaitRegistered(t, loser)
		remove(t, loser)
	}
}

// createAtOnce concurrently creates ExtensionAPIs that claim the same group-version, and returns their creation
// timestamps.
func createAtOnce(t *testing.T, backend *backend, names ...string) map[string]*metav1.Time {
	t.Helper()
	var creating sync.WaitGroup
	var rivals []*v1alpha1.ExtensionAPI
	for _, name := range names {
		rival := backend.declare(groups(backend.service.Name+".example.com", "v1"))
		rival.Name = name
		rivals = append(rivals, rival)
		creating.Go(func() {
			if err := plane.client.Create(ctx, rival); err != nil {
				t.Error(err)
			}
		})
	}
	creating.Wait()
	t.Cleanup(func() {
		for _, name := range slices.Backward(names) {
			remove(t, name)
		}
	})
	created := map[string]*metav1.Time{}
	for _, rival := range rivals {
		created[rival.Name] = &rival.CreationTimestamp
	}
	return created
}

// awaitHeld waits until v1 is reported as held by another owner, and the other version is registered and available.
func awaitHeld(t *testing.T, name, reason, words string) {
	t.Helper()
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionClaimed, reason, "v1.", "belongs to ", words, "it belongs to"),
		isTrue(v1alpha1.ConditionStalled, reason, words),
		isFalse(v1alpha1.ConditionReady, reason),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonNotClaimed, "see Claimed"),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered, "see Claimed"),
		isTrue(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonWithinLimit))
	awaitThat(t, name, func(extensionAPI *v1alpha1.ExtensionAPI) error {
		return holders.CheckStatus(extensionAPI.Status)
	})
}

// awaitNextSecond waits until new objects have a later creationTimestamp than existing ones.
func awaitNextSecond(t *testing.T) {
	t.Helper()
	eventually(t, holders.NextSecond())
}

// essenceOf returns the APIService without the fields that the cluster sets, or nil if it does not exist.
func essenceOf(t *testing.T, name string) map[string]any {
	t.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(apiregistrationv1.SchemeGroupVersion.WithKind("APIService"))
	err := plane.client.Get(ctx, client.ObjectKeyFromObject(holders.APIService(name)), object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return essence(t, object)
}
