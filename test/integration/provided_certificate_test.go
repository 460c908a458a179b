// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

func TestCertificateFromASecretIsServedAndAnInvalidUpdateRejected(t *testing.T) {
	t.Parallel()
	const name = "provided"
	createNamespace(t, name)
	signer := newSigner(t)
	first, second := servingFor(t, signer, name), servingFor(t, signer, name)

	apply(t, withSecretRef(name))
	awaitCertificates(t, name, isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSecretNotFound,
		"Secret provided/brought does not exist", "Create it with tls.crt, tls.key and ca.crt"))
	expectDocumented(t, "secret-missing", name, v1alpha1.ConditionCertificatesReady)

	brought := broughtSecret(name, first, signer)
	create(t, brought)
	awaitServed(t, name, first)
	awaitCertificates(t, name, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonUserProvided,
		"from Secret brought"))

	update := func(pair pki.KeyPair) {
		change(t, brought, func(s *corev1.Secret) { s.Data = broughtSecret(name, pair, signer).Data })
	}
	update(servingFor(t, signer, "other"))
	awaitCertificates(t, name, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonInvalidCertificate,
		"kube-apiserver requires provided.provided.svc", "The last good certificate stays in use"))
	expectDocumented(t, "secret-refused", name, v1alpha1.ConditionCertificatesReady)
	expectEvents(t, name, map[string]int{
		"Warning SecretNotFound": 1, "Normal CertificateIssued": 1, "Normal UserProvided": 1, "Warning InvalidCertificate": 1,
	})
	awaitServed(t, name, first)

	update(second)
	awaitServed(t, name, second)

	deleteNow(t, brought)
	awaitCertificates(t, name, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSecretNotFound,
		"The last good certificate stays in use"))
	awaitServed(t, name, second)
}

func TestSourceOfCertificatesCanBeChanged(t *testing.T) {
	t.Parallel()
	const name = "changed-source"
	startRollout(t, name)
	signer := newSigner(t)
	pair := servingFor(t, signer, name)
	create(t, broughtSecret(name, pair, signer))
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Certificates = withSecretRef(name).Spec.Server.Certificates
	})
	awaitServed(t, name, pair)
	eventually(t, func() error {
		if len(trustSecret(t, name).Data[corev1.TLSPrivateKeyKey]) > 0 {
			return errors.New("the key of the operator's CA is kept although it is no longer used")
		}
		return nil
	})

	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Certificates = nil })
	eventually(t, func() error { return checkCertificates(name) })
}

func TestExpiryOfAUserProvidedCertificateIsWarnedOf(t *testing.T) {
	t.Parallel()
	const name = "expiring"
	createNamespace(t, name)
	signer := newSigner(t)
	// Issued 50 minutes ago for an hour: less than a fifth of its lifetime is left.
	pair, err := signer.IssueServing([]string{host(name)}, time.Now().Add(-50*time.Minute), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	create(t, broughtSecret(name, pair, signer))
	apply(t, withSecretRef(name))
	awaitCertificates(t, name, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonExpiresSoon,
		"Secret brought", "expires at", "Put a new one there"))
	expectEvents(t, name, map[string]int{"Normal CertificateIssued": 1, "Warning ExpiresSoon": 1})
}

func withSecretRef(name string) *v1alpha1.ExtensionAPI {
	extensionAPI := served(name)
	extensionAPI.Spec.Server.Certificates = &v1alpha1.Certificates{SecretRef: &v1alpha1.SecretReference{Name: "brought"}}
	return extensionAPI
}

func broughtSecret(name string, pair, signer pki.KeyPair) *corev1.Secret {
	data := dataOf(pair)
	data[manifests.CABundleKey] = signer.Certificate
	return &corev1.Secret{ObjectMeta: in(name, "brought"), Type: corev1.SecretTypeTLS, Data: data}
}

func awaitCertificates(t *testing.T, name string, wanted condition) {
	t.Helper()
	awaitThat(t, name, wanted.check)
}

// awaitServed waits until the Pods get exactly this certificate.
func awaitServed(t *testing.T, name string, pair pki.KeyPair) {
	t.Helper()
	serving := &corev1.Secret{}
	eventually(t, func() error {
		key := client.ObjectKey{Namespace: name, Name: manifests.ServingSecretName(name)}
		if err := plane.client.Get(ctx, key, serving); err != nil {
			return err
		}
		if !bytes.Equal(serving.Data[corev1.TLSCertKey], pair.Certificate) ||
			!bytes.Equal(serving.Data[corev1.TLSPrivateKeyKey], pair.Key) {
			return errors.New("another certificate is served")
		}
		return nil
	})
}
