// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/controllers"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/test/audit"
)

// TestOperatorRestrictedToNamespaces temporarily replaces the shared control plane and operator, so no other test runs
// in parallel. The operator has the permissions that the chart grants.
func TestOperatorRestrictedToNamespaces(t *testing.T) {
	const inside, outside = "inside", "outside"
	useAnotherControlPlane(t)
	createNamespace(t, inside)
	createNamespace(t, outside)
	startConfined(t, inside)
	if allowed(t, operatorNamespace, operatorAccount, authorizationv1.ResourceAttributes{
		Verb: "create", Group: "apps", Resource: "deployments", Namespace: outside,
	}) {
		t.Error("the operator may create Deployments in a namespace outside serverNamespaces")
	}

	apply(t, served(inside))
	awaitRollout(t, inside)
	apply(t, served(outside))
	await(t, outside, status.FailedStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceNotAllowed),
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonNamespaceNotAllowed,
			"may not run servers in namespace outside", "recreate the ExtensionAPI for a namespace that is named: inside"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonWaitingForServer))
	expectDocumented(t, "namespace-out-of-reach", outside, v1alpha1.ConditionCertificatesReady)
	if made := objectsOf(t, outside); len(made) > 0 {
		t.Errorf("the operator created %v", made)
	}

	t.Run("removes the finalizer for a server out of reach", func(t *testing.T) { remove(t, outside) })

	t.Run("registers a Service of any namespace", func(t *testing.T) {
		const anywhere = "anywhere"
		backend, _ := startBackend(t, anywhere, "v1")
		apply(t, backend.declare(groups(anywhere+".example.com", "v1")))
		awaitRegistered(t, anywhere)
		remove(t, anywhere)
	})

	t.Run("runs servers in a namespace that is added later", func(t *testing.T) {
		apply(t, served(outside))
		running.stop()
		startConfined(t, inside, outside)
		awaitRollout(t, outside)
	})

	t.Run("tears down a server whose namespace was removed from serverNamespaces", func(t *testing.T) {
		registerAsOperator(t, inside, trustSecret(t, inside).Data[corev1.TLSCertKey])
		running.stop()
		startConfined(t, outside)
		await(t, inside, status.FailedStatus,
			isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceNotAllowed),
			isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered))
		deleteNow(t, named(inside))
		awaitDeleted(t, inside)
		expectLeftBehind(t, inside)
	})

	requests, err := audit.Read(plane.dir, operatorUser)
	if err := errors.Join(err, audit.CheckRefusals(requests)); err != nil {
		t.Error(err)
	}
}

// expectLeftBehind deletes the remaining objects of an ExtensionAPI with the command of the Event.
func expectLeftBehind(t *testing.T, name string) {
	t.Helper()
	event := expectEvent(t, name, "Warning "+v1alpha1.ReasonObjectsLeftBehind)
	troubleshooting.Check(t, "left-behind", event)
	for id := range objectsOf(t, name) {
		if !strings.Contains(id, " "+name+"/") {
			t.Errorf("%s is left behind, too, although it is within reach", id)
		}
	}
	_, command, _ := strings.Cut(event, "kubectl ")
	kubectl(t, strings.Fields(command)...)
	if left := objectsOf(t, name); len(left) > 0 {
		t.Errorf("the command leaves %v", left)
	}
}

// TestRestrictedOperatorStartsWithoutOneOfItsNamespaces uses a dedicated control plane, too.
func TestRestrictedOperatorStartsWithoutOneOfItsNamespaces(t *testing.T) {
	const kept, gone = "confined-kept", "confined-gone"
	useAnotherControlPlane(t)
	createNamespace(t, kept)
	createNamespace(t, gone)
	startConfined(t, kept, gone)
	running.stop()
	deleteWithRights(t, gone)

	launchConfined(t, kept, gone)
	apply(t, served(kept))
	awaitRollout(t, kept)
	createNamespace(t, gone)
	apply(t, served(gone))
	await(t, gone, status.FailedStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceNotAllowed,
			"had no permissions in namespace confined-gone", "run helm upgrade to recreate them"))
	expectDocumented(t, "namespace-refused", gone, v1alpha1.ConditionServerAvailable)

	running.stop()
	startConfined(t, kept, gone)
	awaitRollout(t, gone)

	t.Run("even when it is forbidden in all of them", func(t *testing.T) {
		running.stop()
		takeRights(t, kept)
		takeRights(t, gone)
		launchConfined(t, kept, gone)
		await(t, kept, status.FailedStatus,
			isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceNotAllowed))
		eventually(t, func() error {
			if !running.isReady() {
				return errors.New("the operator is not ready")
			}
			return nil
		})
		running.stop()
		startConfined(t, kept, gone) // to tear down everything
	})
}

// deleteWithRights deletes a namespace and the operator's permissions in it, instead of the namespace controller.
func deleteWithRights(t *testing.T, name string) {
	t.Helper()
	takeRights(t, name)
	namespace := &corev1.Namespace{ObjectMeta: in("", name)}
	deleteNow(t, namespace)
	finishDeletion(t, namespace)
}

func takeRights(t *testing.T, namespace string) {
	t.Helper()
	const servers = "extensionapi-operator:servers"
	deleteNow(t, &rbacv1.RoleBinding{ObjectMeta: in(namespace, servers)})
	deleteNow(t, &rbacv1.Role{ObjectMeta: in(namespace, servers)})
	awaitRight(t, false, operatorNamespace, operatorAccount,
		authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets", Namespace: namespace})
}

// useAnotherControlPlane replaces plane and running until the end of the test, which has to start the operator.
func useAnotherControlPlane(t *testing.T) {
	t.Helper()
	sharedPlane, sharedOperator := plane, running
	another, err := startControlPlane("")
	if err != nil {
		t.Fatal(err)
	}
	plane = another
	t.Cleanup(func() {
		running.stop()
		plane, running = sharedPlane, sharedOperator
		if err := another.stop(); err != nil {
			t.Error(err)
		}
	})
}

// startConfined grants the operator permissions in these namespaces only, and starts it.
func startConfined(t *testing.T, namespaces ...string) {
	t.Helper()
	plane.installChart(t, fmt.Sprintf("serverNamespaces={%s}", strings.Join(namespaces, ",")))
	for _, namespace := range namespaces {
		awaitRight(t, true, operatorNamespace, operatorAccount,
			authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets", Namespace: namespace})
	}
	launchConfined(t, namespaces...)
}

// launchConfined starts the operator with its current permissions.
func launchConfined(t *testing.T, namespaces ...string) {
	t.Helper()
	config, err := plane.operatorConfig()
	if err != nil {
		t.Fatal(err)
	}
	live, err := client.New(config, client.Options{Scheme: kinds.Scheme(), Mapper: kinds.Mapper()})
	if err != nil {
		t.Fatal(err)
	}
	start(t, controllers.Settings{
		ServerNamespaces: observe.ConfineServers(ctx, live, operatorNamespace, namespaces), CertManager: true,
	})
}

// startWithValues starts the operator with the permissions that the chart grants with these values, and the
// corresponding settings.
func startWithValues(t *testing.T, values string, settings controllers.Settings) {
	t.Helper()
	plane.installChart(t, values)
	start(t, settings)
}

func start(t *testing.T, settings controllers.Settings) {
	t.Helper()
	started, err := startOperator(plane, settings)
	if err != nil {
		t.Fatal(err)
	}
	running = started
}
