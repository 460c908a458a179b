// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// The order of start and stop with a server that is available is tested end to end: no kube-apiserver reaches the Pods
// of a server here.

func TestAControllerIsNotStartedBeforeItsAPIIsAvailable(t *testing.T) {
	t.Parallel()
	const name = "waiting-controller"
	createNamespace(t, name)
	apply(t, servedWith(name, control))
	awaitRollout(t, name)
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionControllersAvailable,
		v1alpha1.ReasonWaitingForAPI, "controller flunders: it is started when every group-version is available, now 0 of 1"))
	wanted := append(ownedObjects(name), "ClusterRoleBinding /extensionapi:"+name+":controllers",
		"RoleBinding "+name+"/extensionapi:"+name+":controllers")
	slices.Sort(wanted)
	if found := slices.Sorted(maps.Keys(objectsOf(t, name))); !slices.Equal(found, wanted) {
		t.Errorf("the operator created\n%q\nwant\n%q", found, wanted)
	}
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Controllers = nil })
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonNoControllers))
	eventually(t, func() error {
		if found := slices.Sorted(maps.Keys(objectsOf(t, name))); !slices.Equal(found, ownedObjects(name)) {
			return fmt.Errorf("without controllers there are %q", found)
		}
		return nil
	})
}

// startController runs the controller of an ExtensionAPI as if it had been started while its API was available, and
// returns its Deployment.
func startController(t *testing.T, name string) *appsv1.Deployment {
	t.Helper()
	createNamespace(t, name)
	extensionAPI := servedWith(name, control)
	labels := manifests.ControllersOf(extensionAPI)[0].Labels
	deployment := otherDeployment(labelled(in(name, name+"-flunders"), labels))
	deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	deployment.Spec.Template.Labels = labels
	create(t, deployment)
	apply(t, extensionAPI)
	awaitRollout(t, name)
	eventually(t, func() error { return runsImage(t, deployment, "none") })
	return deployment
}

func runsImage(t *testing.T, deployment *appsv1.Deployment, image string) error {
	t.Helper()
	resourceVersions(t, deployment)
	for _, container := range deployment.Spec.Template.Spec.Containers {
		if container.Name == "manager" && container.Image == image {
			return nil
		}
	}
	return fmt.Errorf("the containers are %+v", deployment.Spec.Template.Spec.Containers)
}

func TestAControllerThatRunsIsKeptAsTheSpecWantsAndReported(t *testing.T) {
	t.Parallel()
	const name = "running-controller"
	deployment := startController(t, name)
	if account := deployment.Spec.Template.Spec.ServiceAccountName; account != name+"-flunders" {
		t.Errorf("it runs as %q", account)
	}
	resourceVersions(t, &corev1.ServiceAccount{ObjectMeta: in(name, name+"-flunders")},
		&policyv1.PodDisruptionBudget{ObjectMeta: in(name, name+"-flunders")})
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonRollingOut,
		"controller flunders: 0 of 1 replicas are up to date"))
	setStatusOf(t, deployment, 1)
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonReplicasAvailable, "flunders"))
	described := get(t, name).Status.Controllers
	if len(described) != 1 || described[0].Name != "flunders" || described[0].Available != metav1.ConditionTrue ||
		ptr.Deref(described[0].ReadyReplicas, 0) != 1 {
		t.Errorf("status.controllers is %+v", described)
	}
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Controllers[0].Template.Spec.Containers[0].Image = "another"
	})
	eventually(t, func() error { return runsImage(t, deployment, "another") })
	scaled := drift{"is scaled", `[{"op": "replace", "path": "/spec/replicas", "value": 0}]`}
	scaled.do(t, objectRef{"apps/v1", "Deployment", name, name + "-flunders"})
	eventually(t, func() error {
		resourceVersions(t, deployment)
		if replicas := ptr.Deref(deployment.Spec.Replicas, 0); replicas != 1 {
			return fmt.Errorf("it is scaled to %d replicas", replicas)
		}
		return nil
	})
}

func TestControllersAreStoppedBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	const name = "stopped-controller"
	startController(t, name)
	deleteNow(t, named(name))
	// The Deployment waits for the garbage collector, as if there were Pods.
	await(t, name, status.TerminatingStatus, isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonDeleting,
		"waiting for the end of Deployment "+name+"/"+name+"-flunders"))
	if server := deploymentOf(t, name); !server.DeletionTimestamp.IsZero() {
		t.Error("the server is stopped while its controller runs")
	}
	remove(t, name)
}

func TestAFormerControllerIsRemovedWithItsAccount(t *testing.T) {
	t.Parallel()
	const name = "former-controller"
	startController(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Controllers = nil })
	eventually(t, func() error {
		collectGarbage(t, name)
		if found := slices.Sorted(maps.Keys(objectsOf(t, name))); !slices.Equal(found, ownedObjects(name)) {
			return fmt.Errorf("without controllers there are %q", found)
		}
		return nil
	})
}
