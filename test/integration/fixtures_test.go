// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// otherManager is the field manager of the tests, which is not that of the operator.
const otherManager = "another-controller"

// unknownHolder is how the operator's messages refer to this field manager.
const unknownHolder = `another owner (last written by "another-controller")`

func create(t *testing.T, object client.Object) {
	t.Helper()
	plane.create(t, object)
}

func (p *controlPlane) create(t *testing.T, object client.Object) {
	t.Helper()
	if err := p.client.Create(ctx, object, client.FieldOwner(otherManager)); err != nil {
		t.Fatalf("creating %T %s: %v", object, object.GetName(), err)
	}
}

// createUntilCleanup creates an object, and deletes it at the end of the test.
func createUntilCleanup(t *testing.T, object client.Object) {
	t.Helper()
	create(t, object)
	t.Cleanup(func() {
		if err := plane.client.Delete(ctx, object, client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
}

// change reads the object, applies mutate, and updates it.
func change[T client.Object](t *testing.T, object T, mutate func(T)) {
	t.Helper()
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	before, _ := object.DeepCopyObject().(client.Object)
	mutate(object)
	if err := plane.client.Patch(ctx, object, client.MergeFrom(before), client.FieldOwner(otherManager)); err != nil {
		t.Fatalf("changing %T %s: %v", object, object.GetName(), err)
	}
}

func deleteNow(t *testing.T, object client.Object) {
	t.Helper()
	if err := plane.client.Delete(ctx, object); err != nil {
		t.Fatalf("deleting %T %s: %v", object, object.GetName(), err)
	}
}

func createNamespace(t *testing.T, name string) {
	t.Helper()
	create(t, &corev1.Namespace{ObjectMeta: in("", name)})
}

func in(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func labelled(meta metav1.ObjectMeta, labels map[string]string) metav1.ObjectMeta {
	meta.Labels = labels
	return meta
}

func ofRelease(meta metav1.ObjectMeta, release string) metav1.ObjectMeta {
	metav1.SetMetaDataAnnotation(&meta, "meta.helm.sh/release-name", release)
	return meta
}

var otherLabels = map[string]string{"app": "other"}

// controlledBy sets an object of another controller as the controller reference.
func controlledBy(meta metav1.ObjectMeta, kind, name string) metav1.ObjectMeta {
	meta.OwnerReferences = []metav1.OwnerReference{
		{APIVersion: "example.com/v1", Kind: kind, Name: name, UID: "1", Controller: new(true)},
	}
	return meta
}

// The following are minimal objects that the operator does not own.

func otherDeployment(meta metav1.ObjectMeta) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: meta,
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: otherLabels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: otherLabels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "other", Image: "other"}}},
			},
		},
	}
}

func otherBinding(name string) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: in("", name),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
	}
}
