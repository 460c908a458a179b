// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// startRollout declares a server in a namespace of its own, and waits until the operator has created its objects.
func startRollout(t *testing.T, name string) {
	t.Helper()
	createNamespace(t, name)
	apply(t, served(name))
	awaitRollout(t, name)
}

func awaitRollout(t *testing.T, name string) {
	t.Helper()
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonIssued),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut,
			"0 of 2 replicas", "waiting for Pods to become ready"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonWaitingForServer),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered))
}

// ownedObjects returns the objects that the operator creates for a server before its Pods run, sorted.
func ownedObjects(name string) []string {
	objects := []string{
		"ClusterRoleBinding /extensionapi:" + name + ":auth-delegator",
		"ClusterRoleBinding /extensionapi:" + name + ":server",
		"Deployment " + name + "/" + name,
		"PodDisruptionBudget " + name + "/" + name,
		"RoleBinding kube-system/extensionapi:" + name + ":auth-reader",
		"Secret " + name + "/" + name + "-serving-cert",
		"Secret " + operatorNamespace + "/" + name + "-trust",
		"Service " + name + "/" + name,
		"ServiceAccount " + name + "/" + name,
	}
	slices.Sort(objects)
	return objects
}

func TestServerGetsAllObjectsThatItNeeds(t *testing.T) {
	t.Parallel()
	const name = "owned"
	startRollout(t, name)
	if found, wanted := slices.Sorted(maps.Keys(objectsOf(t, name))), ownedObjects(name); !slices.Equal(found, wanted) {
		t.Errorf("the operator created\n%q\nwant\n%q", found, wanted)
	}
}

func TestChangesOfTheTemplateReachTheDeployment(t *testing.T) {
	t.Parallel()
	const name = "rolled"
	startRollout(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Replicas = ptr.To[int32](3)
		e.Spec.Server.Template.Spec.Containers[0].Image = "registry.example.com/server:2"
	})
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut, "0 of 3 replicas"))
	deployment := &appsv1.Deployment{ObjectMeta: in(name, name)}
	resourceVersions(t, deployment)
	image := deployment.Spec.Template.Spec.Containers[0].Image
	if *deployment.Spec.Replicas != 3 || image != "registry.example.com/server:2" {
		t.Errorf("the Deployment runs %d replicas of %s", *deployment.Spec.Replicas, image)
	}
}

func TestServiceAccountOfTheTemplateReplacesTheGeneratedOne(t *testing.T) {
	t.Parallel()
	const name = "own-account"
	startRollout(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Template.Spec.ServiceAccountName = "mine" })
	awaitRollout(t, name)
	found := slices.Sorted(maps.Keys(objectsOf(t, name)))
	wanted := slices.DeleteFunc(ownedObjects(name), func(object string) bool {
		return object == "ServiceAccount own-account/own-account"
	})
	if !slices.Equal(found, wanted) {
		t.Errorf("the server has\n%q\nwant\n%q", found, wanted)
	}
	awaitRight(t, true, name, "mine", authorizationv1.ResourceAttributes{Verb: "list", Resource: "namespaces"})
}

// Neither its labels nor an owner reference to the server's ReplicaSet make a Pod one of the server.
func TestPermissionsAreGrantedOnlyToServiceAccountsOfTheDeployment(t *testing.T) {
	t.Parallel()
	const name = "accounts"
	may := authorizationv1.ResourceAttributes{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"}
	startRollout(t, name)
	runAs(t, name, "labelled", labelled(in(name, "labelled"), manifests.ServerLabels(name)))
	runAs(t, name, "owned", asReplica(t, name, labelled(in(name, "owned"), manifests.ServerLabels(name))))
	old := runAs(t, name, name, asReplica(t, name, labelled(in(name, "old"), manifests.ServerLabels(name))))

	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Template.Spec.ServiceAccountName = "new" })
	awaitRight(t, true, name, "new", may)
	for account, wanted := range map[string]bool{"labelled": false, "owned": false, name: true} {
		if got := allowed(t, name, account, may); got != wanted {
			t.Errorf("ServiceAccount %s may %s %s: %t", account, may.Verb, may.Resource, got)
		}
	}
	deleteNow(t, old)
	awaitRight(t, false, name, name, may)
}

// runAs creates a Pod that runs as a ServiceAccount.
func runAs(t *testing.T, namespace, account string, pod metav1.ObjectMeta) *corev1.Pod {
	t.Helper()
	running := &corev1.Pod{ObjectMeta: pod, Spec: served(namespace).Spec.Server.Template.Spec}
	running.Spec.ServiceAccountName = account
	createUntilCleanup(t, running)
	return running
}

func TestServerHasThePermissionsOfAnExtensionAPIServer(t *testing.T) {
	t.Parallel()
	const name = "rights"
	startRollout(t, name)
	for _, may := range []authorizationv1.ResourceAttributes{
		{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"},
		{Verb: "create", Group: "authorization.k8s.io", Resource: "subjectaccessreviews"},
		{Verb: "get", Resource: "configmaps", Namespace: "kube-system", Name: "extension-apiserver-authentication"},
		{Verb: "list", Resource: "namespaces"},
		{Verb: "watch", Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"},
		{Verb: "watch", Group: "flowcontrol.apiserver.k8s.io", Resource: "flowschemas"},
	} {
		awaitRight(t, true, name, name, may)
	}
	for _, mayNot := range []authorizationv1.ResourceAttributes{
		{Verb: "get", Resource: "secrets", Namespace: operatorNamespace},
		{Verb: "get", Resource: "configmaps", Namespace: "kube-system", Name: "any-other"},
		{Verb: "create", Resource: "pods", Namespace: name},
	} {
		if allowed(t, name, name, mayNot) {
			t.Errorf("the server may %s %s", mayNot.Verb, mayNot.Resource)
		}
	}
}

// awaitRight waits until kube-apiserver, which caches roles and bindings, allows or denies a request of a
// ServiceAccount, as wanted.
func awaitRight(t *testing.T, wanted bool, namespace, name string, what authorizationv1.ResourceAttributes) {
	t.Helper()
	eventually(t, func() error {
		if allowed(t, namespace, name, what) != wanted {
			return fmt.Errorf("ServiceAccount %s/%s may %s %s: want %t", namespace, name, what.Verb, what.Resource, wanted)
		}
		return nil
	})
}

// allowed reports whether a request of a ServiceAccount is allowed.
func allowed(t *testing.T, namespace, name string, what authorizationv1.ResourceAttributes) bool {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + namespace + ":" + name,
		Groups:             []string{"system:serviceaccounts", "system:authenticated"},
		ResourceAttributes: &what,
	}}
	if err := plane.client.Create(ctx, review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}
