// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/holders"
)

// TestAdoptionOfAServerInstalledByHelm covers dry run, adoption and orphaning without a failed request; its parts
// depend on each other.
func TestAdoptionOfAServerInstalledByHelm(t *testing.T) {
	t.Parallel()
	const name, group = "adopted", "adopted.example.com"
	earlier := registeredByHelm(t, name)
	before := essenceOf(t, name)
	backend, _ := startBackend(t, name, "v1")
	requests := startRequests(t, "/apis/"+group+"/v1/widgets")
	extensionAPI := backend.declare(groups(group, "v1"))
	extensionAPI.Spec.AdoptionPolicy = v1alpha1.AdoptionDryRun
	life := t
	apply(t, extensionAPI)

	t.Run("a dry run reports what would change", func(t *testing.T) {
		awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return reportsAdoption(e, backend.port, earlier) })
		await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionClaimed, v1alpha1.ReasonHeldByHelmRelease,
			"See status.apiServices for what spec.adoptionPolicy: Adopt would change"))
		if now := essenceOf(t, name); !reflect.DeepEqual(now, before) {
			t.Errorf("the dry run changed the APIService to %s", toJSON(t, now))
		}
	})
	t.Run("adopting changes it in place", func(t *testing.T) {
		change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.AdoptionPolicy = v1alpha1.AdoptionAdopt })
		awaitRegistered(t, name)
		adopted := readAPIService(t, name)
		if adopted.UID != earlier.UID || adopted.Spec.Service.Name != name || adopted.Spec.InsecureSkipTLSVerify ||
			len(adopted.OwnerReferences) > 0 || adopted.Annotations["meta.helm.sh/release-name"] != "" {
			t.Errorf("the adopted APIService is %+v", adopted)
		}
		expectEvent(t, name, "Normal Adopted")
	})
	t.Run("orphaning leaves it unchanged", func(t *testing.T) {
		change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.DeletionPolicy = v1alpha1.DeletionOrphan })
		await(t, name, status.CurrentStatus)
		before := readAPIService(t, name).ResourceVersion
		deleteNow(t, named(name))
		awaitDeleted(t, name)
		expectEvent(t, name, "Normal Orphaned")
		if after := readAPIService(t, name).ResourceVersion; after != before {
			t.Errorf("resource version %s became %s", before, after)
		}
	})
	t.Run("an orphaned APIService can be adopted under another name", func(t *testing.T) {
		again := backend.declare(groups(group, "v1"))
		again.Name = "adopted-again"
		apply(life, again)
		await(t, again.Name, status.FailedStatus, isFalse(v1alpha1.ConditionClaimed, v1alpha1.ReasonHeldByExtensionAPI,
			`ExtensionAPI "adopted", which no longer exists and orphaned it`, "spec.adoptionPolicy"))
		change(t, named(again.Name), func(e *v1alpha1.ExtensionAPI) { e.Spec.AdoptionPolicy = v1alpha1.AdoptionAdopt })
		awaitRegistered(t, again.Name)
		if now := readAPIService(t, name); now.UID != earlier.UID {
			t.Error("the APIService was recreated")
		}
	})
	if sent, failed := requests(); sent == 0 || failed > 0 {
		t.Errorf("%d of %d requests failed", failed, sent)
	}
}

func reportsAdoption(e *v1alpha1.ExtensionAPI, port int32, earlier *apiregistrationv1.APIService) error {
	if len(e.Status.APIServices) != 1 {
		return fmt.Errorf("status has %d APIServices", len(e.Status.APIServices))
	}
	var reported []string
	for _, change := range e.Status.APIServices[0].AdoptionChanges {
		reported = append(reported, fmt.Sprintf(
			"%s: %s -> %s", change.Field, ptr.Deref(change.From, "none"), ptr.Deref(change.To, "none")))
	}
	for _, wanted := range []string{
		fmt.Sprintf("spec.service: %s/%s:%d -> adopted/adopted:%d", earlier.Spec.Service.Namespace,
			earlier.Spec.Service.Name, *earlier.Spec.Service.Port, port),
		"spec.insecureSkipTLSVerify: true -> false",
		"spec.groupPriorityMinimum: 100 -> 1000",
		"spec.versionPriority: 10 -> 100",
		"metadata.annotations[meta.helm.sh/release-name]: shop -> none",
		"metadata.labels[aggregation.extensionapi.dev/extensionapi]: none -> adopted",
		"metadata.ownerReferences: Shop/shop -> none",
		"spec.caBundle: none -> sha256:",
	} {
		if !slices.ContainsFunc(reported, func(line string) bool { return strings.HasPrefix(line, wanted) }) {
			return fmt.Errorf("adoption would change %q, without %q", reported, wanted)
		}
	}
	return nil
}

// registeredByHelm runs a server of NAME.example.com/v1 whose APIService looks like that of another Helm chart.
func registeredByHelm(t *testing.T, name string) *apiregistrationv1.APIService {
	t.Helper()
	serviceName := name + "-earlier"
	server := extensionserver.Start(
		keyPair(t, servingFor(t, newSigner(t), serviceName)), groupVersion(name+".example.com", "v1"))
	t.Cleanup(server.Close)
	createNamespace(t, serviceName)
	create(t, localService(serviceName))
	apiService := holders.APIService(name)
	apiService.Spec.Service = &apiregistrationv1.ServiceReference{
		Namespace: serviceName, Name: serviceName, Port: new(server.Port()),
	}
	holders.OfHelm(apiService)
	apiService.ObjectMeta = controlledBy(apiService.ObjectMeta, "Shop", "shop")
	create(t, apiService)
	eventually(t, func() error { return isServed(ctx, "/apis/"+name+".example.com/v1/widgets") })
	return readAPIService(t, name)
}

func readAPIService(t *testing.T, name string) *apiregistrationv1.APIService {
	t.Helper()
	apiService := holders.APIService(name)
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(apiService), apiService); err != nil {
		t.Fatal(err)
	}
	return apiService
}

func TestOrphanedObjectsAreAdoptedByTheSameNameOnRequest(t *testing.T) {
	t.Parallel()
	const name = "let-go"
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.DeletionPolicy = v1alpha1.DeletionOrphan
	apply(t, extensionAPI.DeepCopy())
	awaitRollout(t, name)
	before := objectsOf(t, name)
	deleteNow(t, named(name))
	awaitDeleted(t, name)
	expectUnchanged(t, before, objectsOf(t, name))
	ca, deployed := trustSecret(t, name).Data, deploymentOf(t, name).Spec

	extensionAPI.Spec.DeletionPolicy = v1alpha1.DeletionDelete
	apply(t, extensionAPI)
	const earlier = `exists already and belongs to an earlier ExtensionAPI "let-go", which was deleted and orphaned it`
	const remedy = "Set spec.adoptionPolicy: Adopt to adopt it"
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonNameConflict, "Secret extensionapi-system/let-go-trust "+
			earlier, remedy, "there is no serving certificate"),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNameConflict, "ServiceAccount let-go/let-go "+earlier,
			remedy))
	expectDocumented(t, "name-of-earlier", name, v1alpha1.ConditionServerAvailable)
	expectUnchanged(t, before, objectsOf(t, name))

	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.AdoptionPolicy = v1alpha1.AdoptionAdopt })
	awaitRollout(t, name)
	expectOwned(t, name)
	if now := trustSecret(t, name).Data; !reflect.DeepEqual(now, ca) {
		t.Error("the CA and the bundle were replaced")
	}
	if now := deploymentOf(t, name).Spec; !reflect.DeepEqual(now, deployed) {
		t.Errorf("the Deployment was changed from\n%+v\nto\n%+v", deployed, now)
	}
}

// expectOwned checks that a server has all of its objects, with the label and annotation of its ExtensionAPI.
func expectOwned(t *testing.T, name string) {
	t.Helper()
	if found, wanted := slices.Sorted(maps.Keys(objectsOf(t, name))), ownedObjects(name); !slices.Equal(found, wanted) {
		t.Errorf("the server has\n%q\nwant\n%q", found, wanted)
	}
	uid := string(get(t, name).UID)
	for _, object := range []client.Object{trustSecret(t, name), servingSecret(t, name), deploymentOf(t, name)} {
		if marked := object.GetAnnotations()[manifests.UIDAnnotation]; marked != uid {
			t.Errorf("%T %s belongs to %q, want %q", object, object.GetName(), marked, uid)
		}
	}
}

func TestAPIServiceOfAnotherOwnerIsAdoptedOnlyAfterResume(t *testing.T) {
	t.Parallel()
	const name, group = "suspended-adoption", "suspended-adoption.example.com"
	earlier := registeredByHelm(t, name)
	backend, _ := startBackend(t, name, "v1")
	extensionAPI := backend.declare(groups(group, "v1"))
	extensionAPI.Spec.AdoptionPolicy, extensionAPI.Spec.Suspend = v1alpha1.AdoptionAdopt, true
	apply(t, extensionAPI)
	await(t, name, status.InProgressStatus, isSuspended("withheld: APIService v1."+group+". Changes"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonSuspended,
			`it belongs to Helm release "prod/shop"`, "is not adopted while spec.suspend is true"))
	expectNothingWritten(t, name)
	resume(t, name)
	awaitRegistered(t, name)
	if adopted := readAPIService(t, name); adopted.UID != earlier.UID || adopted.Spec.Service.Name != name {
		t.Errorf("the adopted APIService is %+v", adopted)
	}
}

func TestNothingIsOrphanedInATerminatingNamespace(t *testing.T) {
	t.Parallel()
	const name, apiServiceName = "orphan-ends", "v1.orphan-ends.example.com"
	backend, _ := startBackend(t, name, "v1")
	extensionAPI := backend.declare(groups(name+".example.com", "v1"))
	extensionAPI.Spec.DeletionPolicy = v1alpha1.DeletionOrphan
	apply(t, extensionAPI)
	awaitRegistered(t, name)
	// It is still registered when the ExtensionAPI is deleted, after the operator has observed the terminating namespace.
	release := hold(t, apiServiceName)
	namespace := &corev1.Namespace{ObjectMeta: in("", name)}
	deleteNow(t, namespace)
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceTerminating))

	deleteNow(t, named(name))
	await(t, name, status.TerminatingStatus,
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonDeleting,
			"the end of the APIServices "+apiServiceName))
	release()
	awaitDeleted(t, name)
	finishDeletion(t, namespace)
}
