// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/holders"
)

// servedElsewhere registers NAME.example.com/v1 for an ExtensionAPI whose own server has no Pods, at a server in
// another namespace, as long as nothing behind its own Service answers.
func servedElsewhere(t *testing.T, name string) (*apiregistrationv1.APIService, *extensionserver.Local) {
	t.Helper()
	elsewhere := name + "-elsewhere"
	server := extensionserver.Start(
		keyPair(t, servingFor(t, newSigner(t), elsewhere)), groupVersion(name+".example.com", "v1"))
	t.Cleanup(server.Close)
	createNamespace(t, elsewhere)
	create(t, localService(elsewhere))
	apiService := holders.APIService(name)
	apiService.Labels = manifests.Labels(name)
	apiService.Spec.InsecureSkipTLSVerify = true
	apiService.Spec.Service = &apiregistrationv1.ServiceReference{
		Namespace: elsewhere, Name: elsewhere, Port: new(server.Port()),
	}
	create(t, apiService)
	return apiService, server
}

func TestAControllerIsStartedOnceItsAPIIsAvailableAndStoppedWhileItAnswers(t *testing.T) {
	t.Parallel()
	const name = "ordered-controller"
	createNamespace(t, name)
	apiService, server := servedElsewhere(t, name)
	server.Behave(failing(500))
	extensionAPI := servedWith(name, control)
	extensionAPI.Spec.Discovery.StandIn = v1alpha1.StandInNever
	apply(t, extensionAPI)
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonWaitingForAPI, "now 0 of 1"))
	server.Behave(extensionserver.Behaviour{})
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonRollingOut, "controller flunders"))
	expectWarning(t, "are served again if the same ExtensionAPI is recreated. Its controllers (flunders) are stopped "+
		"first, and finalizers that they have set on objects stay: to have them clean up, delete the objects before. "+
		"To leave everything running instead", []string{"delete", "xapi", name})

	deleteNow(t, named(name))
	// The Deployment waits for the garbage collector, as if there were Pods.
	await(t, name, status.TerminatingStatus, isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonDeleting,
		"waiting for the end of Deployment "+name+"/"+name+"-flunders"))
	if resourceVersions(t, apiService); !apiService.DeletionTimestamp.IsZero() {
		t.Error("the API is unregistered while its controller runs")
	}
	server.Behave(failing(500))
	eventually(t, func() error { return isGone(apiService) })
	if stopping := startedDeployment(t, name); stopping.DeletionTimestamp.IsZero() {
		t.Error("the controller is not stopped")
	}
	if server := deploymentOf(t, name); !server.DeletionTimestamp.IsZero() {
		t.Error("the server is stopped while its controller runs")
	}
	remove(t, name)
}

func isGone(object client.Object) error {
	err := plane.client.Get(ctx, client.ObjectKeyFromObject(object), object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return errors.Join(err, fmt.Errorf("%s still exists", object.GetName()))
}

// startedDeployment is that of the controller flunders.
func startedDeployment(t *testing.T, name string) *appsv1.Deployment {
	t.Helper()
	deployment := &appsv1.Deployment{ObjectMeta: in(name, name+"-flunders")}
	resourceVersions(t, deployment)
	return deployment
}

func TestASuspendedControllerIsNeitherChangedNorStopped(t *testing.T) {
	t.Parallel()
	const name = "suspended-controller"
	deployment := startController(t, name)
	suspend(t, name)
	awaitSuspended(t, name)
	change(t, named(name), replaceControllerImage)
	await(t, name, status.InProgressStatus, isSuspended("withheld: Deployment "+name+"/"+name+"-flunders. Changes"),
		isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonRollingOut, "controller flunders"))
	expectNothingWritten(t, name)
	resume(t, name)
	eventually(t, func() error { return runsImage(t, deployment, "another") })

	suspend(t, name)
	awaitSuspended(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Controllers = nil })
	await(t, name, status.InProgressStatus,
		isSuspended("withheld: the deletion of Deployment "+name+"/"+name+"-flunders. Changes"))
	expectNothingWritten(t, name)
	resume(t, name)
	eventually(t, func() error {
		collectGarbage(t, name)
		return isGone(deployment)
	})
}

func TestAnOrphanedControllerIsAdoptedOnRequestWhileItsAPIIsUnavailable(t *testing.T) {
	t.Parallel()
	const name = "orphaned-controller"
	startController(t, name)
	setDeletionPolicy(t, name, v1alpha1.DeletionOrphan)
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonRollingOut))
	before := objectsOf(t, name)
	deleteNow(t, named(name))
	awaitDeleted(t, name)
	expectUnchanged(t, before, objectsOf(t, name))

	again := servedWith(name, control)
	replaceControllerImage(again)
	create(t, again)
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonNameConflict,
		"controller flunders: ServiceAccount "+name+"/"+name+"-flunders exists already "+
			"and belongs to an earlier ExtensionAPI",
		"Set spec.adoptionPolicy: Adopt to adopt it"))
	expectUnchanged(t, before, objectsOf(t, name))
	change(t, named(name), adopt)
	eventually(t, func() error { return runsImage(t, startedDeployment(t, name), "another") })
	if owner := startedDeployment(t, name).Annotations[manifests.UIDAnnotation]; owner != string(get(t, name).UID) {
		t.Errorf("the Deployment belongs to %q", owner)
	}
}

func TestAControllerWithoutItsMarksIsRepairedWhileItsAPIIsUnavailable(t *testing.T) {
	t.Parallel()
	const name = "unmarked-controller"
	deployment := startController(t, name)
	ref := objectRef{"apps/v1", "Deployment", name, deployment.Name}
	for _, lost := range []drift{
		{"loses its labels", `[{"op": "remove", "path": "/metadata/labels"}]`},
		{"loses every mark", `[{"op": "remove", "path": "/metadata/labels"},
			{"op": "remove", "path": "/metadata/annotations"}]`},
	} {
		lost.do(t, ref)
		eventually(t, func() error {
			if repaired := startedDeployment(t, name); repaired.Labels[manifests.OwnerLabel] != name {
				return fmt.Errorf("the Deployment that %s has the labels %v", lost.why, repaired.Labels)
			}
			return nil
		})
	}
	if repaired := startedDeployment(t, name); repaired.UID != deployment.UID {
		t.Error("it was recreated")
	}
	// One that is deleted would crash.
	deleteNow(t, deployment)
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonWaitingForAPI))
}

func TestAControllerDoesNotTakeTheNameOfAnotherServer(t *testing.T) {
	t.Parallel()
	const name, other = "taken", "taken-flunders"
	createNamespace(t, other)
	apply(t, served(other))
	awaitRollout(t, other)
	before := objectsOf(t, other)
	extensionAPI := servedWith(name, control)
	extensionAPI.Spec.Server.Namespace = other
	apply(t, extensionAPI)
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonNameConflict,
		`controller flunders: ServiceAccount taken-flunders/taken-flunders exists already and belongs to ExtensionAPI "`+
			other+`"`))
	if described := get(t, name).Status.Controllers; len(described) != 1 || described[0].ReadyReplicas != nil {
		t.Errorf("status.controllers is %+v", described)
	}
	remove(t, name)
	expectUnchanged(t, before, objectsOf(t, other))
}

func TestAReferencedControllerIsReportedAndNeverWritten(t *testing.T) {
	t.Parallel()
	const name = "referenced-controller"
	backend, _ := startBackend(t, name, "v1")
	extensionAPI := backend.declare(groups(name+".example.com", "v1"))
	refer(extensionAPI)
	extensionAPI.Spec.AdoptionPolicy = v1alpha1.AdoptionAdopt
	apply(t, extensionAPI)
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady),
		isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonDeploymentNotFound,
			"controller other: Deployment "+name+"/any does not exist"))

	deployment := otherDeployment(in(name, "any"))
	create(t, deployment)
	await(t, name, status.CurrentStatus, isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonRollingOut,
		"controller other: 0 of 1 replicas"))
	setStatusOf(t, deployment, 1)
	await(t, name, status.CurrentStatus,
		isTrue(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonReplicasAvailable, "other"))
	change(t, deployment, func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(0)) })
	await(t, name, status.CurrentStatus, isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonScaledToZero,
		"Scale it: kubectl -n "+name+" scale deployment any --replicas 1"))

	remove(t, name)
	if resourceVersions(t, deployment); ownership.AppliedByOperator(deployment) {
		t.Errorf("the operator is in the managed fields %+v", deployment.ManagedFields)
	}
	for _, write := range running.writes.since(0) {
		if strings.Contains(write, "/namespaces/"+name+"/deployments/") {
			t.Errorf("the operator wrote %q", write)
		}
	}
}

func TestBindingsOfAFormerControllerOutliveIt(t *testing.T) {
	t.Parallel()
	const name = "former-bindings"
	deployment := startController(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Controllers = nil })
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonNoControllers))
	// The Deployment waits for the garbage collector, as if there were Pods.
	eventually(t, func() error {
		if resourceVersions(t, deployment); deployment.DeletionTimestamp.IsZero() {
			return errors.New("the Deployment is not deleted")
		}
		return nil
	})
	wanted := append(ownedObjects(name), "ClusterRoleBinding /extensionapi:"+name+":controllers",
		"RoleBinding "+name+"/extensionapi:"+name+":controllers", "Deployment "+name+"/"+deployment.Name,
		"PodDisruptionBudget "+name+"/"+deployment.Name, "ServiceAccount "+name+"/"+deployment.Name)
	slices.Sort(wanted)
	consistently(t, func() error {
		if found := slices.Sorted(maps.Keys(objectsOf(t, name))); !slices.Equal(found, wanted) {
			return fmt.Errorf("while it terminates there are %q", found)
		}
		return nil
	})
}
