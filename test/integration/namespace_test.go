// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestServerStartsWhenItsNamespaceIsCreated(t *testing.T) {
	t.Parallel()
	const name = "namespace-later"
	apply(t, served(name))
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonNamespaceNotFound, `"namespace-later" does not exist`),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceNotFound,
			"kubectl create namespace namespace-later"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonNamespaceNotFound))
	expectDocumented(t, "namespace-missing", name, v1alpha1.ConditionServerAvailable)
	if made := objectsOf(t, name); len(made) > 0 {
		t.Errorf("without a namespace the operator created %v", made)
	}
	createNamespace(t, name)
	awaitRollout(t, name)
}

func TestExistingServerIsUnregisteredWhileItsNamespaceIsBeingDeleted(t *testing.T) {
	t.Parallel()
	const name = "namespace-going"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)

	namespace := &corev1.Namespace{ObjectMeta: in("", name)}
	deleteNow(t, namespace)
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceTerminating, `"namespace-going" is being deleted`),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonNamespaceTerminating, "APIServices have been removed"),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNamespaceTerminating))
	expectAPIServices(t, name)

	finishDeletion(t, namespace)
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceNotFound, "kubectl create namespace"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonNamespaceNotFound))
	createNamespace(t, name)
	awaitRegistered(t, name)
}

func TestNewServerWaitsForANamespaceThatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	const name = "namespace-doomed"
	createNamespace(t, name)
	namespace := &corev1.Namespace{ObjectMeta: in("", name)}
	deleteNow(t, namespace)
	apply(t, served(name))
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonNamespaceTerminating),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceTerminating))
	finishDeletion(t, namespace)
	createNamespace(t, name)
	awaitRollout(t, name)
}

// finishDeletion finalizes a namespace instead of the namespace controller, without deleting its contents.
func finishDeletion(t *testing.T, namespace *corev1.Namespace) {
	t.Helper()
	eventually(t, func() error {
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(namespace), namespace); err != nil {
			return client.IgnoreNotFound(err)
		}
		namespace.Spec.Finalizers = nil
		if err := plane.client.SubResource("finalize").Update(ctx, namespace); err != nil {
			return err
		}
		return fmt.Errorf("namespace %s still exists", namespace.Name)
	})
}
