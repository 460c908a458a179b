// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

func TestNamespacesThatDiscoveryBlocksAreReported(t *testing.T) {
	t.Parallel()
	const name, bystander = "blocking", "blocking-nothing"
	for _, started := range []string{name, bystander} {
		backend, _ := startBackend(t, started, "v1")
		apply(t, backend.declare(groups(started+".example.com", "v1")))
		awaitRegistered(t, started)
		await(t, started, status.CurrentStatus, isTrue(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNoneBlocked))
	}

	const groupVersion = name + ".example.com/v1"
	var namespaces []*corev1.Namespace
	for _, blocked := range []string{"team-a", "team-b", "team-c"} {
		namespace := deletedNamespace(t, blocked)
		reportObstacle(t, namespace, time.Minute, corev1.NamespaceDeletionDiscoveryFailure, "Discovery failed for some "+
			"groups, 1 failing: unable to retrieve the complete list of server APIs: "+groupVersion+
			": stale GroupVersion discovery: "+groupVersion)
		namespaces = append(namespaces, namespace)
	}
	await(t, name, status.CurrentStatus,
		isFalse(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNamespacesBlocked, "3 namespaces (team-",
			"because discovery of "+groupVersion+" fails"),
		isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady))
	awaitBlocked(t, name, 3)
	expectEvent(t, name, "Warning NamespacesBlocked", "waiting to be deleted since", groupVersion)
	noneBlocked := isTrue(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNoneBlocked)
	if err := noneBlocked.check(get(t, bystander)); err != nil {
		t.Errorf("an ExtensionAPI that no report names: %v", err)
	}

	finishDeletion(t, namespaces[0])
	finishDeletion(t, namespaces[1])
	awaitBlocked(t, name, 1)
	expectDocumented(t, "namespace-blocked", name, v1alpha1.ConditionNamespacesDeletable)
	withdrawObstacles(t, namespaces[2])
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNoneBlocked))
	awaitBlocked(t, name, 0)
	finishDeletion(t, namespaces[2])
}

func TestANamespaceInWhichObjectsRemainIsReportedAfterAWhile(t *testing.T) {
	t.Parallel()
	const name = "remaining"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	namespace := deletedNamespace(t, "remaining-team")
	reportObstacle(t, namespace, 0, corev1.NamespaceContentRemaining,
		"Some resources are remaining: things.remaining.example.com has 2 resource instances")
	await(t, name, status.CurrentStatus,
		isFalse(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNamespacesBlocked,
			"kubectl -n remaining-team get things.remaining.example.com"))
	expectDocumented(t, "namespace-objects-remain", name, v1alpha1.ConditionNamespacesDeletable)
	finishDeletion(t, namespace)
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNoneBlocked))
}

// The report is taken for that of every API that fails, so no other test runs in parallel.
func TestANamespaceWithAFailureThatNamesNoGroupIsAttributedToAnAPIThatFails(t *testing.T) {
	const name = "suspected"
	backend, server := startBackend(t, name, "v1")
	healthy := extensionserver.Behaviour{Resources: []extensionserver.Resource{extensionserver.DeletableResource}}
	server.Behave(healthy)
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	namespace := deletedNamespace(t, "suspecting-team")
	reportObstacle(t, namespace, time.Minute, corev1.NamespaceDeletionContentFailure, "Failed to delete all resource "+
		`types, 1 remaining: an error on the server ("unknown") has prevented the request from succeeding`)
	consistently(t, func() error {
		return isTrue(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNoneBlocked).check(get(t, name))
	})

	unhealthy := healthy
	unhealthy.Discovery.Status = http.StatusInternalServerError
	server.Behave(unhealthy)
	triggerAvailabilityCheck(t, backend)
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionAPIServicesAvailable, "FailedDiscoveryCheck"),
		isFalse(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNamespacesBlocked, "suspecting-team",
			"names no group, but requests for objects of suspected fail, so it is likely the cause"))
	server.Behave(healthy)
	awaitRegistered(t, name)
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNoneBlocked))
	finishDeletion(t, namespace)
}

// deletedNamespace returns a namespace that stays Terminating: no namespace controller runs here.
func deletedNamespace(t *testing.T, name string) *corev1.Namespace {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: in("", name)}
	create(t, namespace)
	deleteNow(t, namespace)
	return namespace
}

// reportObstacle sets a condition as the namespace controller does.
func reportObstacle(
	t *testing.T, namespace *corev1.Namespace, since time.Duration, of corev1.NamespaceConditionType, message string,
) {
	t.Helper()
	setConditions(t, namespace, corev1.NamespaceCondition{
		Type: of, Status: corev1.ConditionTrue, Reason: "Failed", Message: message,
		LastTransitionTime: metav1.NewTime(time.Now().Add(-since)),
	})
}

// withdrawObstacles sets conditions as the namespace controller does when nothing is left.
func withdrawObstacles(t *testing.T, namespace *corev1.Namespace) {
	t.Helper()
	setConditions(t, namespace, corev1.NamespaceCondition{
		Type: corev1.NamespaceDeletionDiscoveryFailure, Status: corev1.ConditionFalse,
		Message: "All resources successfully discovered", LastTransitionTime: metav1.Now(),
	})
}

func setConditions(t *testing.T, namespace *corev1.Namespace, conditions ...corev1.NamespaceCondition) {
	t.Helper()
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(namespace), namespace); err != nil {
		t.Fatal(err)
	}
	namespace.Status.Conditions = conditions
	if err := plane.client.Status().Update(ctx, namespace); err != nil {
		t.Fatal(err)
	}
}

// awaitBlocked waits until so many namespaces are counted.
func awaitBlocked(t *testing.T, name string, blocked int32) {
	t.Helper()
	awaitThat(t, name, func(extensionAPI *v1alpha1.ExtensionAPI) error {
		if got := extensionAPI.Status.BlockedNamespaces; got != blocked {
			return fmt.Errorf("status.blockedNamespaces is %d, want %d", got, blocked)
		}
		return nil
	})
}
