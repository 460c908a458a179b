// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"crypto/x509"
	"encoding/json"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// The baseline without the operator. The load must detect the failures that are known to occur here, or it proves
// nothing when it detects none elsewhere.
func TestHandWrittenManifestsLoseRequests(t *testing.T) {
	written := writtenByHand(t, drainingWardle(t, sampleNamespace))
	for _, manifest := range written {
		if manifest.GetKind() == "Deployment" {
			forgetDraining(t, manifest)
		}
	}
	t.Cleanup(func() { deleteByHand(t, written) })
	applyByHand(t, written...)
	eventually(t, time.Minute, readyPods(byHandLabel, 2))
	eventually(t, time.Minute, served("v1beta1", "v1alpha1"))

	t.Run("by hand: rolling restart", func(t *testing.T) {
		onlyLong(t)
		l := startLoad(t)
		kubectl(t, "rollout", "restart", "deployment/wardle", "--namespace", sampleNamespace)
		kubectl(t, "rollout", "status", "deployment/wardle", "--namespace", sampleNamespace, "--timeout", "1m")
		eventually(t, drained, onlyPods(byHandLabel, 2))
		l.end(t)
	})
	t.Run("by hand: deletion of a Pod", func(t *testing.T) {
		onlyLong(t)
		l := startLoad(t)
		kubectl(t, "delete", "pod", oldestPod(t, byHandLabel).Name, "--namespace", sampleNamespace)
		eventually(t, drained, onlyPods(byHandLabel, 2))
		l.end(t)
	})
	t.Run("by hand: CA, caBundle and serving certificate swapped without an overlap", func(t *testing.T) {
		l := startLoad(t)
		leaf := swapCertificates(t, l)
		eventually(t, 3*time.Minute, allServe(byHandLabel, leaf))
		eventually(t, time.Minute, served("v1beta1", "v1alpha1"))
		if l.end(t) == 0 {
			t.Error("no request failed, so this load would not detect failures elsewhere either")
		}
	})
}

// forgetDraining removes the graceful termination of Pods from a Deployment, which most users do not configure.
func forgetDraining(t *testing.T, manifest *unstructured.Unstructured) {
	t.Helper()
	deployment := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(manifest.Object, deployment); err != nil {
		t.Fatal(err)
	}
	pod := &deployment.Spec.Template.Spec
	pod.TerminationGracePeriodSeconds, pod.Containers[0].Lifecycle = nil, nil
	var err error
	if manifest.Object, err = runtime.DefaultUnstructuredConverter.ToUnstructured(deployment); err != nil {
		t.Fatal(err)
	}
}

// swapCertificates replaces everything without an overlap, as current tools do, and returns the new serving
// certificate. The kubelet may mount a changed Secret within milliseconds or after a minute, so the Secret changes once
// the load has met the new caBundle.
func swapCertificates(t *testing.T, l *load) *x509.Certificate {
	t.Helper()
	signer, err := pki.NewSigner("by hand", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := signer.IssueServing([]string{servingHost}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, apiService := range apiServices(t) {
		merge(t, &apiService, map[string]any{"spec": map[string][]byte{"caBundle": signer.Certificate}})
	}
	eventually(t, time.Minute, l.hasFailed)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: sampleNamespace, Name: manifests.ServingSecretName("wardle"),
	}}
	merge(t, secret, map[string]any{"data": map[string][]byte{
		corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key,
	}})
	return parse(t, pair.Certificate)[0]
}

// merge changes some fields of an object, as kubectl patch --type merge does.
func merge(t *testing.T, object client.Object, fields map[string]any) {
	t.Helper()
	patch, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	if err := kube.Patch(t.Context(), object, client.RawPatch(types.MergePatchType, patch)); err != nil {
		t.Fatal(err)
	}
}
