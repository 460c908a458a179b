// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

func TestSuspendedServerIsRepairedOnlyAfterResume(t *testing.T) {
	t.Parallel()
	const name = "suspended-server"
	startRollout(t, name)
	suspend(t, name)
	await(t, name, status.InProgressStatus,
		isSuspended("there is nothing to be changed now", "when the serving certificate expires, at ",
			`kubectl patch xapi suspended-server --type merge -p '{"spec":{"suspend":false}}'`),
		isFalse(v1alpha1.ConditionStalled, v1alpha1.ReasonAsDesired),
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonIssued, "is not renewed while spec.suspend is true"))

	deployment := deploymentOf(t, name)
	change(t, deployment, func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(5)) })
	deleteNow(t, &corev1.Service{ObjectMeta: in(name, name)})
	deleteNow(t, servingSecret(t, name))
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Template.Spec.Containers[0].Image = "registry.example.com/server:2"
	})
	await(t, name, status.InProgressStatus,
		isSuspended("withheld: Deployment suspended-server/suspended-server, "+
			"Secret suspended-server/suspended-server-serving-cert, Service suspended-server/suspended-server. Changes"),
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSuspended, "there is no serving certificate"),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut, "0 of 5 replicas"))
	expectNothingWritten(t, name)
	deleteNow(t, deployment)
	collectGarbage(t, name)
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonSuspended, "there is no Deployment"))
	expectNothingWritten(t, name)

	resume(t, name)
	awaitRollout(t, name)
	if found, wanted := slices.Sorted(maps.Keys(objectsOf(t, name))), ownedObjects(name); !slices.Equal(found, wanted) {
		t.Errorf("after the resume there are\n%q\nwant\n%q", found, wanted)
	}
	if image := deploymentOf(t, name).Spec.Template.Spec.Containers[0].Image; image != "registry.example.com/server:2" {
		t.Errorf("after the resume the Deployment runs %s", image)
	}
}

func TestNothingIsCreatedForASuspendedExtensionAPI(t *testing.T) {
	t.Parallel()
	const name = "suspended-new"
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Suspend = true
	apply(t, extensionAPI)
	await(t, name, status.InProgressStatus,
		isSuspended("withheld: ClusterRoleBinding extensionapi:suspended-new:auth-delegator, ", " and 4 more. "),
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSuspended, "there is no serving certificate"),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonSuspended, "there is no Deployment"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonWaitingForServer))
	expectDocumented(t, "suspended", name, v1alpha1.ConditionReconciling)
	if made := objectsOf(t, name); len(made) > 0 {
		t.Errorf("while it is suspended there are %v", made)
	}
	resume(t, name)
	awaitRollout(t, name)
}

func TestSuspendedAPIServicesAreUnchangedAndDiscoveryIsStillReported(t *testing.T) {
	t.Parallel()
	const name, first = "suspended-registered", "v1.suspended-registered.example.com"
	backend, server := startBackend(t, name, "v1", "v2")
	extensionAPI := backend.declare(groups(name+".example.com", "v1"))
	extensionAPI.Spec.Discovery.Limit = &metav1.Duration{Duration: time.Second}
	apply(t, extensionAPI)
	awaitRegistered(t, name)

	suspend(t, name)
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady),
		isSuspended("there is nothing to be changed now"))
	registered := &apiregistrationv1.APIService{ObjectMeta: in("", first)}
	change(t, registered, func(a *apiregistrationv1.APIService) { a.Spec.GroupPriorityMinimum = 7 })
	server.Behave(slow(1500 * time.Millisecond))
	await(t, name, status.CurrentStatus, isSuspended("withheld: APIService "+first+". Changes"),
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
		isFalse(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonServerSlow, "(limit 1s)"))
	server.Behave(extensionserver.Behaviour{})
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups(name+".example.com", "v1", "v2") })
	await(t, name, status.InProgressStatus,
		isSuspended("withheld: APIService "+first+", APIService v2.suspended-registered.example.com. Changes"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonSuspended, "v2.suspended-registered.example.com: no APIService"),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered))
	expectAPIServices(t, name, first)
	change(t, registered, func(a *apiregistrationv1.APIService) { a.Spec.Service.Name = "other" })
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonSuspended, first+": requests are sent to another Service"))
	expectNothingWritten(t, name)

	resume(t, name)
	awaitRegistered(t, name)
	expectAPIServices(t, name, first, "v2."+name+".example.com")
	if got := apiServices(t, name)[first].Spec; got.GroupPriorityMinimum != 1000 || got.Service.Name != name {
		t.Errorf("after the resume the APIService is %+v", got)
	}
	eventually(t, func() error {
		if found := eventsOf(t, name); found["Normal Suspended"] != 1 || found["Normal Resumed"] != 1 {
			return fmt.Errorf("the events are %v", found)
		}
		return nil
	})
}

func TestSuspendedCertificatesAreNotReplaced(t *testing.T) {
	t.Parallel()
	const name = "suspended-rotation"
	startServing(t, name)
	trust, serving := trustSecret(t, name), servingSecret(t, name)
	registerAsOperator(t, name, trust.Data[corev1.TLSCertKey])
	suspend(t, name)
	awaitSuspended(t, name)
	rotate(t, name, func(managed *v1alpha1.ManagedCertificates) { managed.RotateServingAfter = now() })
	await(t, name, status.InProgressStatus,
		isSuspended("withheld: Secret suspended-rotation/suspended-rotation-serving-cert"),
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSuspended,
			"although rotateServingAfter requested a new serving certificate. The last good certificate stays in use"))
	if certificate := get(t, name).Status.Certificate; certificate == nil || certificate.Rotation != nil ||
		certificate.RenewalTime != nil {
		t.Errorf("status.certificate is %+v", certificate)
	}
	// kube-apiserver continues to trust the caBundle of the APIService.
	deleteNow(t, trust)
	await(t, name, status.InProgressStatus,
		isSuspended("Secret extensionapi-system/suspended-rotation-trust"),
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSuspended, "although there was no CA"),
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered))
	expectNothingWritten(t, name)

	resume(t, name)
	awaitTrustOfBoth(t, name, trust.Data[corev1.TLSCertKey])
	if !bytes.Equal(servingSecret(t, name).Data[corev1.TLSCertKey], serving.Data[corev1.TLSCertKey]) {
		t.Error("the serving certificate was replaced before kube-apiserver had time to load the new CA")
	}
}

func TestUnhealthyReplicaIsEjectedOnlyAfterResume(t *testing.T) {
	t.Parallel()
	const name = "suspended-ejection"
	replicas := startReplicas(t, name, 2)
	suspend(t, name)
	awaitSuspended(t, name)
	replicas[1].Behave(unavailable)
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return errors.Join(reportsFailing(e, "suspended-ejection-1"),
			isSuspended("withheld: Pod suspended-ejection/suspended-ejection-1. ",
				"unhealthy replicas continue to get requests").check(e))
	})
	consistently(t, func() error { return ejectedAre(t, name) })
	resume(t, name)
	awaitEjected(t, name, "suspended-ejection-1")
}

func TestDeletionTearsDownASuspendedExtensionAPI(t *testing.T) {
	t.Parallel()
	const name, serviceName = "suspended-deleted", "suspended-deleted-service"
	startRollout(t, name)
	backend, _ := startBackend(t, serviceName, "v1")
	apply(t, backend.declare(groups(serviceName+".example.com", "v1")))
	awaitRegistered(t, serviceName)
	for _, name := range []string{name, serviceName} {
		suspend(t, name)
		awaitSuspended(t, name)
		remove(t, name)
		if count := eventsOf(t, name)["Normal Resumed"]; count != 0 {
			t.Errorf("%d Events report that %s was resumed", count, name)
		}
	}
}

func TestSuspendedServerIsUnregisteredWhileItsNamespaceIsBeingDeleted(t *testing.T) {
	t.Parallel()
	const name = "suspended-namespace"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	suspend(t, name)
	awaitSuspended(t, name)
	namespace := &corev1.Namespace{ObjectMeta: in("", name)}
	deleteNow(t, namespace)
	await(t, name, status.InProgressStatus, isSuspended(),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonNamespaceTerminating, "APIServices have been removed"))
	expectAPIServices(t, name)
	finishDeletion(t, namespace)
}

// This test checks all writes of the operator, so no other test runs in parallel.
func TestSuspendedExtensionAPIIsUnchangedAfterARestart(t *testing.T) {
	const name, serviceName = "suspended-quiet", "suspended-quiet-service"
	startBoth(t, name, serviceName)
	pod := runPod(t, name, nil)
	for _, name := range []string{name, serviceName} {
		suspend(t, name)
		awaitSuspended(t, name)
	}
	change(t, deploymentOf(t, name), func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(5)) })
	deleteNow(t, servingSecret(t, name))
	awaitThat(t, name, isSuspended("withheld: Deployment suspended-quiet/suspended-quiet, Secret").check)
	awaitSilence(t)
	owned, declared := objectsOf(t, name, serviceName), resourceVersions(t, named(name), named(serviceName))

	startAgain := stopOperator(t)
	startAgain()
	eventually(t, func() error {
		if observations(t, serviceName, serviceName+".example.com", "v1", "kube-apiserver") == 0 {
			return errors.New("no probe")
		}
		return nil
	})
	awaitSilence(t)
	expectUnchanged(t, owned, objectsOf(t, name, serviceName))
	expectUnchanged(t, declared, resourceVersions(t, named(name), named(serviceName)))

	before := running.dryRuns.count()
	provokeReconciliations(t, pod)
	if again := running.dryRuns.since(before); before == 0 || len(again) > 0 {
		t.Errorf("after %d dry runs, with no change since, the operator sent another: %q", before, again)
	}
	isToken := func(write string) bool { return strings.HasSuffix(write, "/token") }
	if writes := slices.DeleteFunc(running.writes.since(0), isToken); len(writes) > 0 {
		t.Errorf("the operator wrote %q", writes)
	}
}

// isSuspended returns the condition of a suspended ExtensionAPI.
func isSuspended(says ...string) condition {
	return isFalse(v1alpha1.ConditionReconciling, v1alpha1.ReasonSuspended, says...)
}

func suspend(t *testing.T, name string) {
	t.Helper()
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Suspend = true })
}

// awaitSuspended waits until no earlier reconciliation is in progress.
func awaitSuspended(t *testing.T, name string) {
	t.Helper()
	awaitThat(t, name, isSuspended().check)
}

func resume(t *testing.T, name string) {
	t.Helper()
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Suspend = false })
}

// expectNothingWritten checks that the operator writes nothing of an ExtensionAPI for a while, except what suspension
// allows.
func expectNothingWritten(t *testing.T, name string) {
	t.Helper()
	mayBe := func(write string) bool {
		return !strings.Contains(write, name) || strings.Contains(write, "/extensionapis/") ||
			strings.Contains(write, "/events/")
	}
	sent := running.writes.count()
	consistently(t, func() error {
		if writes := slices.DeleteFunc(running.writes.since(sent), mayBe); len(writes) > 0 {
			return fmt.Errorf("the operator wrote %q", writes)
		}
		return nil
	})
}
