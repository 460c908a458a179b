// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/documented"
)

// The baseline without the operator: an APIService whose server is gone blocks the deletion of all namespaces.
func TestDeletedNamespaceOfAHandWrittenServerBlocksAllOthers(t *testing.T) {
	onlyLong(t)
	const doomed, bystander = "e2e-doomed-by-hand", "e2e-bystander-by-hand"
	createNamespace(t, doomed)
	t.Cleanup(func() { deleteNamespace(t, doomed) })
	createNamespace(t, bystander)
	manifests := writtenByHand(t, wardle(t, doomed))
	t.Cleanup(func() { deleteByHand(t, manifests) })
	applyByHand(t, manifests...)
	eventually(t, time.Minute, served("v1beta1", "v1alpha1"))

	kubectl(t, "delete", "namespace", doomed, "--wait=false")
	t.Logf("by hand: discovery failed %s after the server's namespace was deleted", eventually(t, 3*time.Minute, stale))
	kubectl(t, "delete", "namespace", bystander, "--wait=false")
	t.Logf("by hand: the deletion of another namespace was blocked after %s",
		eventually(t, time.Minute, blocked(bystander)))
	stays(t, 30*time.Second, blocked(bystander))
	kubectl(t, "delete", "apiservices", "--selector", byHandLabel)
	t.Logf("by hand: it was gone %s after the APIServices had been deleted",
		eventually(t, 3*time.Minute, namespaceGone(bystander)))
}

// checkDiscoveryFailureDocs compares what a namespace reports that cannot be deleted with the docs.
func checkDiscoveryFailureDocs(t *testing.T, namespace string) {
	t.Helper()
	failure, err := discoveryFailure(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	troubleshooting.Check(t, "namespace-blocked", documented.Text(metav1.Condition{
		Type: string(failure.Type), Status: metav1.ConditionStatus(failure.Status), Reason: failure.Reason,
		Message: failure.Message,
	}))
}

// stale succeeds when discovery of the server's group fails.
func stale(context.Context) error {
	_, err := discoverer.ServerPreferredNamespacedResources()
	switch {
	case err == nil:
		return errors.New("discovery does not fail")
	case discovery.IsGroupDiscoveryFailedError(err):
		return nil
	}
	return err
}

// blocked succeeds when the namespace cannot be deleted because discovery fails.
func blocked(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		failure, err := discoveryFailure(ctx, name)
		if err == nil && failure.Status != corev1.ConditionTrue {
			err = fmt.Errorf("the deletion of namespace %s is not blocked: %+v", name, failure)
		}
		return err
	}
}

// discoveryFailure returns the namespace controller's condition about discovery, or the zero value if there is none.
func discoveryFailure(ctx context.Context, name string) (corev1.NamespaceCondition, error) {
	namespace := &corev1.Namespace{}
	err := kube.Get(ctx, client.ObjectKey{Name: name}, namespace)
	for _, condition := range namespace.Status.Conditions {
		if condition.Type == corev1.NamespaceDeletionDiscoveryFailure {
			return condition, err
		}
	}
	return corev1.NamespaceCondition{}, err
}

func namespaceGone(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		err := kube.Get(ctx, client.ObjectKey{Name: name}, &corev1.Namespace{})
		if err == nil {
			return fmt.Errorf("namespace %s still exists", name)
		}
		return client.IgnoreNotFound(err)
	}
}

func TestDeletedNamespaceBlocksNoOther(t *testing.T) {
	const doomed, bystander = "e2e-doomed", "e2e-bystander"
	createNamespace(t, doomed)
	t.Cleanup(func() { deleteNamespace(t, doomed) })
	createNamespace(t, bystander)
	extensionAPI := wardle(t, doomed)
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	release := holdNamespace(t, doomed)

	kubectl(t, "delete", "namespace", doomed, "--wait=false")
	t.Logf("under the operator: the APIServices were gone after %s", eventually(t, 10*time.Second, notServed("v1beta1")))
	eventually(t, soon, reports(extensionAPI, v1alpha1.ReasonNamespaceTerminating, doomed))
	start := time.Now()
	kubectl(t, "delete", "namespace", bystander, "--timeout", "20s")
	t.Logf("under the operator: meanwhile another namespace was deleted in %s",
		time.Since(start).Round(100*time.Millisecond))

	release()
	eventually(t, time.Minute, reports(extensionAPI, v1alpha1.ReasonNamespaceNotFound, doomed))
	createNamespace(t, doomed)
	t.Logf("Ready %s after the namespace was back", eventually(t, time.Minute, ready(extensionAPI)))
	eventually(t, soon, served("v1beta1", "v1alpha1"))
}

// reports succeeds when the ExtensionAPI is not Ready for the reason, and kstatus computes InProgress.
func reports(extensionAPI *v1alpha1.ExtensionAPI, reason, words string) func(context.Context) error {
	return shows(extensionAPI, v1alpha1.ConditionReady, metav1.ConditionFalse, reason, words, status.InProgressStatus)
}

// createNamespace creates a namespace that admits only restricted Pods, like the sample's.
func createNamespace(t *testing.T, name string) {
	t.Helper()
	createObject(t, restricted(name))
}

// restricted returns a namespace that admits only restricted Pods.
func restricted(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
}

// deleteNamespace deletes the namespace, if it exists, and waits until it is gone.
func deleteNamespace(t *testing.T, name string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	ctx := context.WithoutCancel(t.Context())
	_, err := poll(ctx, time.Minute, func(ctx context.Context) error {
		if err := kube.Delete(ctx, namespace); err != nil {
			return client.IgnoreNotFound(err)
		}
		return fmt.Errorf("namespace %s still exists", name)
	})
	if err != nil {
		t.Error(err)
	}
}

// holdNamespace blocks the deletion of a namespace until release is called.
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
	t.Cleanup(func() { deleteNow(t, object) })
}

// deleteNow deletes the object, if it exists; it also works in cleanups.
func deleteNow(t *testing.T, object client.Object) {
	t.Helper()
	if err := kube.Delete(context.WithoutCancel(t.Context()), object); client.IgnoreNotFound(err) != nil {
		t.Error(err)
	}
}
