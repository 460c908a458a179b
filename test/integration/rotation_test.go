// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

func TestRotationFinishesWhenEveryPodServesTheNewCertificate(t *testing.T) {
	t.Parallel()
	const name = "rotated"
	server := startServing(t, name)
	before := servingSecret(t, name)

	rotate(t, name, func(managed *v1alpha1.ManagedCertificates) { managed.RotateServingAfter = now() })
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonRotating, "waiting for Pods", name+"-0"))
	if rotation := get(t, name).Status.Certificate.Rotation; rotation == nil ||
		rotation.Phase != v1alpha1.RotationAwaitingServed || rotation.Since.IsZero() || rotation.Next == "" {
		t.Errorf("status.certificate.rotation is %+v", rotation)
	}
	after := servingSecret(t, name)
	if bytes.Equal(before.Data[corev1.TLSCertKey], after.Data[corev1.TLSCertKey]) {
		t.Error("the serving certificate was not replaced")
	}

	server.Present(keyPair(t, pairOf(after)))
	awaitRotated(t, name)
	if err := checkCertificates(name); err != nil {
		t.Error(err)
	}
}

func TestPodThatCannotBeProbedIsNamed(t *testing.T) {
	t.Parallel()
	const name = "unreachable"
	startServing(t, name).Close()
	rotate(t, name, func(managed *v1alpha1.ManagedCertificates) { managed.RotateServingAfter = now() })
	await(t, name, status.InProgressStatus, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonRotating,
		name+"-0 (dial: ", "connection refused", "they are assumed to serve the new certificate at "))
}

func TestNewCAIsTrustedBeforeItsCertificateIsServed(t *testing.T) {
	t.Parallel()
	const name = "new-authority"
	startServing(t, name)
	old := trustSecret(t, name).Data[corev1.TLSCertKey]
	registerAsOperator(t, name, old)
	serving := servingSecret(t, name)

	rotate(t, name, func(managed *v1alpha1.ManagedCertificates) { managed.RotateCAAfter = now() })
	awaitTrustOfBoth(t, name, old)
	if !bytes.Equal(servingSecret(t, name).Data[corev1.TLSCertKey], serving.Data[corev1.TLSCertKey]) {
		t.Error("the serving certificate was replaced before kube-apiserver had time to load the new CA")
	}
}

func TestLostCAIsReplacedAndStaysTrustedWhileItsCertificatesAreServed(t *testing.T) {
	t.Parallel()
	const name = "lost-authority"
	startServing(t, name)
	lost := trustSecret(t, name)
	registerAsOperator(t, name, lost.Data[corev1.TLSCertKey])
	current := &corev1.Secret{}
	eventually(t, func() error {
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(lost), current); err != nil {
			return err
		}
		// A reconciliation that has read it before may restore it once.
		if bytes.Equal(current.Data[corev1.TLSCertKey], lost.Data[corev1.TLSCertKey]) {
			deleteNow(t, current)
			return errors.New("the CA is not lost")
		}
		return nil
	})
	awaitTrustOfBoth(t, name, lost.Data[corev1.TLSCertKey])
}

// awaitTrustOfBoth waits until the operator gives kube-apiserver time to load the bundle with both CAs.
func awaitTrustOfBoth(t *testing.T, name string, old []byte) {
	t.Helper()
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		if err := awaitingTrust(e); err != nil {
			return err
		}
		trust := &corev1.Secret{}
		key := client.ObjectKey{Namespace: operatorNamespace, Name: manifests.TrustSecretName(name)}
		if err := plane.client.Get(ctx, key, trust); err != nil {
			return err
		}
		return trustsBoth(t, name, old, trust.Data[corev1.TLSCertKey])
	})
}

// trustsBoth succeeds when there is a new CA, and the APIService trusts both the new and the old one.
func trustsBoth(t *testing.T, name string, old, current []byte) error {
	t.Helper()
	trusted := apiServices(t, name)["v1."+name+".example.com"].Spec.CABundle
	if bytes.Equal(current, old) || !bytes.Contains(trusted, current) || !bytes.Contains(trusted, old) {
		return errors.New("the APIService does not trust both CAs")
	}
	return nil
}

// awaitingTrust succeeds while the operator gives kube-apiserver time to load a new CA.
func awaitingTrust(e *v1alpha1.ExtensionAPI) error {
	if certificate := e.Status.Certificate; certificate == nil || certificate.Rotation == nil ||
		certificate.Rotation.Phase != v1alpha1.RotationAwaitingTrust {
		return fmt.Errorf("status.certificate is %+v", certificate)
	}
	return nil
}

func awaitRotated(t *testing.T, name string) {
	t.Helper()
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		if certificate := e.Status.Certificate; certificate == nil || certificate.Rotation != nil {
			return fmt.Errorf("status.certificate is %+v", certificate)
		}
		return isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonIssued).check(e)
	})
}

// startServing declares a server and runs its first Pod on loopback, which serves the operator's certificate. The Pod
// is not ready, so that nothing else happens.
func startServing(t *testing.T, name string) *extensionserver.Local {
	t.Helper()
	server := newServer(t, name)
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.Port = server.Port()
	apply(t, extensionAPI)
	awaitRollout(t, name)
	runServing(t, name, server)
	return server
}

// newServer starts a server with a certificate of its own until it gets another one.
func newServer(t *testing.T, name string) *extensionserver.Local {
	t.Helper()
	server := extensionserver.Start(keyPair(t, servingFor(t, newSigner(t), name)))
	t.Cleanup(server.Close)
	return server
}

// runServing makes server represent the first Pod, with the certificate that Pods get.
func runServing(t *testing.T, name string, server *extensionserver.Local) {
	t.Helper()
	server.Present(keyPair(t, pairOf(servingSecret(t, name))))
	runPod(t, name, &corev1.PodStatus{PodIP: "127.0.0.1", PodIPs: []corev1.PodIP{{IP: "127.0.0.1"}}})
}

func rotate(t *testing.T, name string, trigger func(*v1alpha1.ManagedCertificates)) {
	t.Helper()
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		managed := &v1alpha1.ManagedCertificates{}
		trigger(managed)
		e.Spec.Server.Certificates = &v1alpha1.Certificates{Managed: managed}
	})
}

// now returns the next full second: certificates that were issued in the current one are older.
func now() *metav1.Time {
	return new(metav1.NewTime(time.Now().Truncate(time.Second).Add(time.Second)))
}

func pairOf(secret *corev1.Secret) pki.KeyPair {
	return pki.KeyPair{Certificate: secret.Data[corev1.TLSCertKey], Key: secret.Data[corev1.TLSPrivateKeyKey]}
}
