// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// apply creates an ExtensionAPI, checks that kstatus does not consider it current, and removes it at the end of the
// test.
func apply(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	create(t, extensionAPI)
	t.Cleanup(func() { remove(t, extensionAPI.Name) })
	// The object in the response is from before the operator's first reconciliation.
	if err := checkConformance(extensionAPI); err != nil {
		t.Fatalf("after its creation, ExtensionAPI %s is not conformant: %v", extensionAPI.Name, err)
	}
	if computed, err := kstatusOf(extensionAPI); err != nil || computed != status.InProgressStatus {
		t.Fatalf("after its creation, kstatus computes %q for ExtensionAPI %s (%v)", computed, extensionAPI.Name, err)
	}
}

// remove deletes an ExtensionAPI, waits until it is gone, and checks that nothing is left behind.
func remove(t *testing.T, name string) {
	t.Helper()
	extensionAPI := named(name)
	if err := plane.client.Delete(ctx, extensionAPI); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	awaitDeleted(t, name)
	eventually(t, func() error {
		collectGarbage(t, name) // cert-manager may have written objects at the last moment
		if left := objectsOf(t, name); len(left) > 0 {
			return fmt.Errorf("ExtensionAPI %s is gone, but not %v", name, left)
		}
		return nil
	})
}

func awaitDeleted(t *testing.T, name string) {
	t.Helper()
	eventually(t, func() error {
		collectGarbage(t, name)
		extensionAPI := named(name)
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(extensionAPI), extensionAPI)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, fmt.Errorf("the ExtensionAPI still exists:\n%s", describe(extensionAPI)))
	})
}

// collectGarbage acts as the garbage collector: it finishes the deletion of Deployments and StatefulSets, as if no Pod
// was left, and deletes the objects that cert-manager's Certificates own.
func collectGarbage(t *testing.T, name string) {
	t.Helper()
	err := plane.client.DeleteAllOf(ctx, ofCertManager("CertificateRequest", name, nil), client.InNamespace(name),
		client.MatchingLabels(manifests.Labels(name)))
	if err != nil {
		t.Fatal(err)
	}
	deployments, statefulSets := &appsv1.DeploymentList{}, &appsv1.StatefulSetList{}
	for _, list := range []client.ObjectList{deployments, statefulSets} {
		if err := plane.client.List(ctx, list, client.MatchingLabels(manifests.Labels(name))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range deployments.Items {
		endForegroundDeletion(t, &deployments.Items[i])
	}
	for i := range statefulSets.Items {
		noteRetention(t, &statefulSets.Items[i])
		endForegroundDeletion(t, &statefulSets.Items[i])
	}
}

// noteRetention acts as the StatefulSet controller, which takes note of a retention policy.
func noteRetention(t *testing.T, statefulSet *appsv1.StatefulSet) {
	t.Helper()
	before := statefulSet.DeepCopy()
	statefulSet.Status.ObservedGeneration = statefulSet.Generation
	if err := plane.client.Status().Patch(ctx, statefulSet, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

func endForegroundDeletion(t *testing.T, object client.Object) {
	t.Helper()
	before, _ := object.DeepCopyObject().(client.Object)
	if !controllerutil.RemoveFinalizer(object, metav1.FinalizerDeleteDependents) {
		return
	}
	if err := plane.client.Patch(ctx, object, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}
