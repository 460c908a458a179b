// SPDX-License-Identifier: Apache-2.0

package integration

import (
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
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// TestOperatorConfinedToTheSecretsOfSomeNamespaces has another control plane and operator take the place of those that
// the tests share, so none runs beside it. The operator has the rights that the chart gives it.
func TestOperatorConfinedToTheSecretsOfSomeNamespaces(t *testing.T) {
	const inside, outside = "inside", "outside"
	useAnotherControlPlane(t)
	createNamespace(t, inside)
	createNamespace(t, outside)
	startConfined(t, inside)
	secrets := authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets", Namespace: outside}
	if allowed(t, operatorNamespace, operatorAccount, secrets) {
		t.Error("the operator may list the Secrets that it is kept from")
	}

	apply(t, served(inside))
	awaitRollout(t, inside)
	apply(t, served(outside))
	await(t, outside, status.FailedStatus,
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSecretsOutOfReach,
			"confined to the Secrets of the namespaces extensionapi-system, inside",
			"add outside to the value secretNamespaces of the operator's Helm chart"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonWaitingForServer))
	expectDocumented(t, "secrets-out-of-reach", outside, v1alpha1.ConditionCertificatesReady)

	t.Run("lets go of a server out of reach", func(t *testing.T) { remove(t, outside) })

	t.Run("serves where it is allowed to later", func(t *testing.T) {
		apply(t, served(outside))
		running.stop()
		startConfined(t, inside, outside)
		awaitRollout(t, outside)
	})

	t.Run("takes a server down whose namespace was taken away", func(t *testing.T) {
		running.stop()
		startConfined(t, outside)
		await(t, inside, status.FailedStatus,
			isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSecretsOutOfReach))
		deleteNow(t, named(inside))
		awaitEnd(t, inside)
		if left := objectsOf(t, inside); len(left) != 1 || left["Secret inside/inside-serving-cert"] == "" {
			t.Errorf("beside the Secret out of reach is left %v", left)
		}
		deleteNow(t, &corev1.Secret{ObjectMeta: in(inside, manifests.ServingSecretName(inside))})
	})
}

// TestOperatorStartsWithoutANamespaceThatItIsConfinedTo has a control plane of its own, too.
func TestOperatorStartsWithoutANamespaceThatItIsConfinedTo(t *testing.T) {
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
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSecretsOutOfReach,
			"it had no right to the Secrets of namespace confined-gone", "have helm upgrade give it anew"))
	expectDocumented(t, "secrets-refused", gone, v1alpha1.ConditionCertificatesReady)

	running.stop()
	startConfined(t, kept, gone)
	awaitRollout(t, gone)
}

// deleteWithRights deletes a namespace with the operator's rights in it, in the namespace controller's stead.
func deleteWithRights(t *testing.T, name string) {
	t.Helper()
	const secrets = "extensionapi-operator-secrets"
	deleteNow(t, &rbacv1.RoleBinding{ObjectMeta: in(name, secrets)})
	deleteNow(t, &rbacv1.Role{ObjectMeta: in(name, secrets)})
	namespace := &corev1.Namespace{ObjectMeta: in("", name)}
	deleteNow(t, namespace)
	finishDeletion(t, namespace)
	awaitRight(t, false, operatorNamespace, operatorAccount,
		authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets", Namespace: name})
}

// useAnotherControlPlane has plane and running be others until the end of the test, which has to start the operator.
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

// startConfined gives the operator rights to the Secrets of these namespaces alone, and starts it.
func startConfined(t *testing.T, namespaces ...string) {
	t.Helper()
	plane.installChart(t, fmt.Sprintf("secretNamespaces={%s}", strings.Join(namespaces, ",")))
	for _, namespace := range namespaces {
		awaitRight(t, true, operatorNamespace, operatorAccount,
			authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets", Namespace: namespace})
	}
	launchConfined(t, namespaces...)
}

// launchConfined starts the operator with the rights that it has.
func launchConfined(t *testing.T, namespaces ...string) {
	t.Helper()
	config, err := plane.operatorConfig()
	if err != nil {
		t.Fatal(err)
	}
	live, err := client.New(config, client.Options{Scheme: newScheme()})
	if err != nil {
		t.Fatal(err)
	}
	start(t, controllers.Settings{
		SecretNamespaces: controllers.ConfineSecrets(ctx, live, operatorNamespace, namespaces), CertManager: true,
	})
}

// startWithValues starts the operator with the rights that the chart gives it with these values, and the settings that
// follow from them.
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
