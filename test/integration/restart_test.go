// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// These tests disturb the shared operator, so no other test runs in parallel.

func TestRestartOfTheOperatorChangesNothing(t *testing.T) {
	const name, serviceName = "restarted", "restarted-service"
	startBoth(t, name, serviceName)
	awaitSilence(t)
	owned := objectsOf(t, name, serviceName)
	declared := resourceVersions(t, named(name), named(serviceName))

	startAgain := stopOperator(t)
	startAgain()
	eventually(t, func() error {
		if observations(t, serviceName, serviceName+".example.com", "v1", "kube-apiserver") == 0 {
			return errors.New("no probe")
		}
		return nil
	})
	awaitSilence(t)
	for _, write := range running.writes.since(0) {
		if strings.Contains(write, "/apiservices/") {
			t.Errorf("an APIService that is as wanted was applied: %s", write)
		}
	}
	expectUnchanged(t, owned, objectsOf(t, name, serviceName))
	expectUnchanged(t, declared, resourceVersions(t, named(name), named(serviceName)))
	awaitRegistered(t, serviceName)
}

func TestChangesDuringDowntimeAreReconciled(t *testing.T) {
	const drifted, created, deleted = "away-drifted", "away-created", "away-deleted"
	startRollout(t, drifted)
	startRollout(t, deleted)
	createNamespace(t, created)
	startAgain := stopOperator(t)
	apply(t, served(created))
	change(t, named(drifted), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Replicas = ptr.To[int32](3) })
	deleteNow(t, &appsv1.Deployment{ObjectMeta: in(drifted, drifted)})
	deleteNow(t, named(deleted))
	expectKStatus(t, created, status.InProgressStatus)
	expectKStatus(t, drifted, status.InProgressStatus)
	expectKStatus(t, deleted, status.TerminatingStatus)

	startAgain()
	awaitRollout(t, created)
	await(t, drifted, status.InProgressStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut, "0 of 3 replicas"))
	awaitDeleted(t, deleted)
}

func TestFailedRequestsAreReportedAndRetried(t *testing.T) {
	const name = "interrupted"
	startRollout(t, name)
	heal := failWrites(t, "/deployments/"+name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Replicas = ptr.To[int32](3) })
	awaitRetrying(t, name)
	heal()
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut, "0 of 3 replicas"),
		isTrue(v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing))
}

func TestFailedRequestDoesNotHideAConflict(t *testing.T) {
	const name = "interrupted-conflict"
	createNamespace(t, name)
	foreign := &corev1.Secret{ObjectMeta: in(name, manifests.ServingSecretName(name))}
	create(t, foreign)
	heal := failWrites(t, "/deployments/"+name)
	apply(t, served(name))
	awaitRetrying(t, name)
	heal()
	await(t, name, status.FailedStatus, isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonNameConflict))
	deleteNow(t, foreign)
	awaitRollout(t, name)
}

// failWrites makes the operator's requests to apply the object at the end of path fail until heal is called.
func failWrites(t *testing.T, path string) (heal func()) {
	t.Helper()
	fails := func(request *http.Request) bool {
		return request.Method == http.MethodPatch && strings.HasSuffix(request.URL.Path, path)
	}
	running.fails.Store(&fails)
	heal = func() { running.fails.Store(nil) }
	t.Cleanup(heal)
	return heal
}

func awaitRetrying(t *testing.T, name string) {
	t.Helper()
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return isTrue(v1alpha1.ConditionReconciling, v1alpha1.ReasonRetrying, "retrying").check(e)
	})
	expectKStatus(t, name, status.InProgressStatus)
}

// stopOperator stops the operator. The returned function starts it again, at the latest at the end of the test.
func stopOperator(t *testing.T) (startAgain func()) {
	t.Helper()
	running.stop()
	startAgain = sync.OnceFunc(func() {
		again, err := startOperator(plane, installed)
		if err != nil {
			t.Fatal(err)
		}
		running = again
	})
	t.Cleanup(startAgain)
	return startAgain
}

func expectKStatus(t *testing.T, name string, wanted status.Status) {
	t.Helper()
	if computed, err := kstatusOf(get(t, name)); err != nil || computed != wanted {
		t.Errorf("kstatus computes %s, want %s for ExtensionAPI %s (%v)", computed, wanted, name, err)
	}
}
