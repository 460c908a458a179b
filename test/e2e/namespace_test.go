// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestDeletedNamespaceTakesNoOtherWithIt(t *testing.T) {
	const doomed, bystander = "e2e-doomed", "e2e-bystander"
	createNamespace(t, doomed)
	t.Cleanup(func() { deleteNamespace(t, doomed) })
	createNamespace(t, bystander)
	extensionAPI := wardle(t, doomed)
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	release := holdNamespace(t, doomed)

	kubectl(t, "delete", "namespace", doomed, "--wait=false")
	t.Logf("the APIServices were gone after %s", eventually(t, 10*time.Second, notServed("v1beta1")))
	eventually(t, soon, tells(extensionAPI, v1alpha1.ReasonNamespaceTerminating, doomed))
	start := time.Now()
	kubectl(t, "delete", "namespace", bystander, "--timeout", "20s")
	t.Logf("meanwhile another namespace was deleted in %s", time.Since(start).Round(100*time.Millisecond))

	release()
	eventually(t, time.Minute, tells(extensionAPI, v1alpha1.ReasonNamespaceNotFound, doomed))
	createNamespace(t, doomed)
	t.Logf("Ready %s after the namespace was back", eventually(t, time.Minute, ready(extensionAPI)))
	eventually(t, soon, served("v1beta1", "v1alpha1"))
}

// tells succeeds when the ExtensionAPI is not Ready for that reason, and kstatus waits.
func tells(extensionAPI *v1alpha1.ExtensionAPI, reason, words string) func(context.Context) error {
	return shows(extensionAPI, v1alpha1.ConditionReady, metav1.ConditionFalse, reason, words, status.InProgressStatus)
}

// createNamespace creates a namespace that accepts restricted Pods only, as the sample's.
func createNamespace(t *testing.T, name string) {
	t.Helper()
	createObject(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}})
}

// deleteNamespace deletes the namespace, if there is one, and waits until it is gone.
func deleteNamespace(t *testing.T, name string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	ctx := context.WithoutCancel(t.Context())
	_, err := poll(ctx, time.Minute, func(ctx context.Context) error {
		if err := kube.Delete(ctx, namespace); err != nil {
			return client.IgnoreNotFound(err)
		}
		return fmt.Errorf("namespace %s is still there", name)
	})
	if err != nil {
		t.Error(err)
	}
}

// holdNamespace keeps a namespace that is deleted from going away, until release is called.
func holdNamespace(t *testing.T, namespace string) (release func()) {
	t.Helper()
	anchor := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: "anchor", Finalizers: []string{"e2e.extensionapi.dev/hold"},
	}}
	createObject(t, anchor)
	release = func() {
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		err := kube.Patch(context.WithoutCancel(t.Context()), anchor, patch)
		if client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	}
	t.Cleanup(release)
	return release
}

// createObject creates the object, and deletes it when the test ends.
func createObject(t *testing.T, object client.Object) {
	t.Helper()
	if err := kube.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kube.Delete(context.WithoutCancel(t.Context()), object); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
}
