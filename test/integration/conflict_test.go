// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func TestObjectsOfOtherOwnersAreNotTouchedAndTheOwnerIsNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		// name of the ExtensionAPI and its namespace.
		name    string
		foreign client.Object
		// what and whose are the object and the owner that the message names.
		what, whose string
	}{
		{
			"taken-account",
			&corev1.ServiceAccount{ObjectMeta: labelled(in("taken-account", "taken-account"), otherLabels)},
			"ServiceAccount taken-account/taken-account", unknownHolder,
		},
		{
			"taken-service",
			&corev1.Service{
				ObjectMeta: labelled(in("taken-service", "taken-service"), manifests.ServerLabels("another")),
				Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 443}}},
			},
			"Service taken-service/taken-service", `ExtensionAPI "another"`,
		},
		{
			"taken-serving",
			&corev1.Secret{
				ObjectMeta: controlledBy(in("taken-serving", manifests.ServingSecretName("taken-serving")), "Certificate", "shop"),
			},
			"Secret taken-serving/taken-serving-serving-cert", `Certificate "shop"`,
		},
		{
			"taken-trust",
			&corev1.Secret{ObjectMeta: in(operatorNamespace, manifests.TrustSecretName("taken-trust"))},
			"Secret extensionapi-system/taken-trust-trust", unknownHolder,
		},
		{
			"taken-budget",
			&policyv1.PodDisruptionBudget{ObjectMeta: labelled(in("taken-budget", "taken-budget"), otherLabels)},
			"PodDisruptionBudget taken-budget/taken-budget", unknownHolder,
		},
		{
			"taken-reader",
			&rbacv1.RoleBinding{
				ObjectMeta: in("kube-system", manifests.AuthReaderName("taken-reader")),
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
			},
			"RoleBinding kube-system/extensionapi:taken-reader:auth-reader", unknownHolder,
		},
		{
			"taken-binding",
			otherBinding(manifests.ServerBindingName("taken-binding")),
			"ClusterRoleBinding extensionapi:taken-binding:server", unknownHolder,
		},
		{
			"taken-deployment",
			otherDeployment(ofRelease(in("taken-deployment", "taken-deployment"), "shop")),
			"Deployment taken-deployment/taken-deployment", `Helm release "shop"`,
		},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			createNamespace(t, test.name)
			create(t, test.foreign)
			before := resourceVersions(t, test.foreign)
			apply(t, served(test.name))
			await(t, test.name, status.FailedStatus, isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonNameConflict,
				test.what+" exists already and belongs to "+test.whose))
			expectUnchanged(t, before, resourceVersions(t, test.foreign))
			deleteNow(t, test.foreign)
			awaitRollout(t, test.name)
		})
	}
}
