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

// apply creates an ExtensionAPI, checks that nobody takes it for finished, and removes it at the end of the test.
func apply(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	create(t, extensionAPI)
	t.Cleanup(func() { remove(t, extensionAPI.Name) })
	// What was read back with the answer is from before the operator's first touch.
	if err := checkConformance(extensionAPI); err != nil {
		t.Fatalf("just created, ExtensionAPI %s is not conformant: %v", extensionAPI.Name, err)
	}
	if computed, err := kstatusOf(extensionAPI); err != nil || computed != status.InProgressStatus {
		t.Fatalf("just created, kstatus computes %q for ExtensionAPI %s (%v)", computed, extensionAPI.Name, err)
	}
}

// remove deletes an ExtensionAPI, waits for its end, and makes sure that nothing is left of it.
func remove(t *testing.T, name string) {
	t.Helper()
	extensionAPI := named(name)
	if err := plane.client.Delete(ctx, extensionAPI); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	awaitEnd(t, name)
	eventually(t, func() error {
		collectGarbage(t, name) // cert-manager may have been at work at the last moment
		if left := objectsOf(t, name); len(left) > 0 {
			return fmt.Errorf("ExtensionAPI %s is gone, but not %v", name, left)
		}
		return nil
	})
}

func awaitEnd(t *testing.T, name string) {
	t.Helper()
	eventually(t, func() error {
		collectGarbage(t, name)
		extensionAPI := named(name)
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(extensionAPI), extensionAPI)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, fmt.Errorf("it is still there:\n%s", describe(extensionAPI)))
	})
}

// collectGarbage does as the garbage collector: it ends Deployments that are being deleted, as no Pod is left, and
// deletes what cert-manager's Certificates own.
func collectGarbage(t *testing.T, name string) {
	t.Helper()
	err := plane.client.DeleteAllOf(ctx, ofCertManager("CertificateRequest", name, nil), client.InNamespace(name),
		client.MatchingLabels(manifests.Labels(name)))
	if err != nil {
		t.Fatal(err)
	}
	deployments := &appsv1.DeploymentList{}
	if err := plane.client.List(ctx, deployments, client.MatchingLabels(manifests.ServerLabels(name))); err != nil {
		t.Fatal(err)
	}
	for i := range deployments.Items {
		deployment := &deployments.Items[i]
		before := deployment.DeepCopy()
		if !controllerutil.RemoveFinalizer(deployment, metav1.FinalizerDeleteDependents) {
			continue
		}
		if err := plane.client.Patch(ctx, deployment, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}
}
