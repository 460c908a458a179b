// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// startCertManager runs cert-manager's controllers on a control plane that has its CRDs.
func startCertManager(p *controlPlane) (stop func(), err error) {
	process := exec.CommandContext(ctx, program(certManager), "--kubeconfig", p.kubeconfig)
	process.Stdout, process.Stderr = os.Stderr, os.Stderr
	if err := process.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}, nil
}

func TestCertManagerCAIssuerIsAccepted(t *testing.T) {
	t.Parallel()
	const name = "cert-manager-ca"
	createNamespace(t, name)
	createCAIssuer(t, name)
	if _, err := checkProvided(certified(t, name)); err != nil {
		t.Error(err)
	}
}

func TestCertManagerSelfSignedIssuerIsRejected(t *testing.T) {
	t.Parallel()
	const name = "cert-manager-self-signed"
	createNamespace(t, name)
	create(t, issuer(name, map[string]any{"selfSigned": map[string]any{}}))
	_, err := checkProvided(certified(t, name))
	if err == nil || !strings.Contains(err.Error(), "ca.crt contains the certificate") {
		t.Errorf("got %v", err)
	}
}

func TestCertManagerIssuesTheCertificateAndANewCAIsTrustedFirst(t *testing.T) {
	t.Parallel()
	const name, further = "cert-managed", "api.cert-managed.example.com"
	createNamespace(t, name)
	server := newServer(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.Port = server.Port()
	extensionAPI.Spec.Server.Certificates = &v1alpha1.Certificates{CertManager: &v1alpha1.CertManagerCertificates{
		IssuerRef: v1alpha1.CertManagerIssuer{Name: name}, DNSNames: []string{further}, KeyAlgorithm: v1alpha1.KeyRSA2048,
	}}
	apply(t, extensionAPI)
	awaitCertificates(t, name, isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonSecretNotFound,
		"cert-manager", `which it reports as: Referenced "Issuer" not found`))
	expectDocumented(t, "issuer-missing", name, v1alpha1.ConditionCertificatesReady)

	ca := createCAIssuer(t, name)
	awaitCertificates(t, name, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonUserProvided,
		"from Secret cert-managed-cert-manager"))
	first, old := servingSecret(t, name), ca.Data[corev1.TLSCertKey]
	if err := expectNamesAndRSA(first, name, further); err != nil {
		t.Error(err)
	}
	runServing(t, name, server)
	registerAsOperator(t, name, old)

	change(t, ca, func(s *corev1.Secret) { s.Data = dataOf(newSigner(t)) })
	reissue(t, name)
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return errors.Join(awaitingTrust(e), trustsBoth(t, name, old, ca.Data[corev1.TLSCertKey]))
	})
	if !bytes.Equal(servingSecret(t, name).Data[corev1.TLSCertKey], first.Data[corev1.TLSCertKey]) {
		t.Error("the serving certificate was replaced before kube-apiserver had time to load the new CA")
	}
}

// reissue makes cert-manager reissue the certificate, as its command-line tool does.
func reissue(t *testing.T, name string) {
	t.Helper()
	certificate := ofCertManager("Certificate", name, nil)
	certificate.SetName(manifests.CertManagerName(name))
	eventually(t, func() error {
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(certificate), certificate); err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(certificate.Object, "status", "conditions")
		conditions = append(conditions, map[string]any{
			"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "requested",
			"lastTransitionTime": metav1.Now().UTC().Format(time.RFC3339),
		})
		if err := unstructured.SetNestedSlice(certificate.Object, conditions, "status", "conditions"); err != nil {
			return err
		}
		return plane.client.Status().Update(ctx, certificate)
	})
}

// createCAIssuer creates an Issuer in the namespace of the same name, and returns the Secret with its CA.
func createCAIssuer(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	ca := &corev1.Secret{ObjectMeta: in(name, "authority"), Type: corev1.SecretTypeTLS}
	ca.Data = dataOf(newSigner(t))
	create(t, ca)
	create(t, issuer(name, map[string]any{"ca": map[string]any{"secretName": "authority"}}))
	return ca
}

func dataOf(pair pki.KeyPair) map[string][]byte {
	return map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key}
}

func issuer(name string, spec map[string]any) *unstructured.Unstructured {
	return ofCertManager("Issuer", name, spec)
}

// certified returns the Secret for the Service NAME in namespace NAME, once cert-manager has created it.
func certified(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	certificate := ofCertManager("Certificate", name, map[string]any{
		"secretName": name,
		"dnsNames":   []any{host(name)},
		"usages":     []any{"digital signature", "server auth"},
		"issuerRef":  map[string]any{"name": name},
	})
	create(t, certificate)
	secret := &corev1.Secret{}
	eventually(t, func() error { return plane.client.Get(ctx, client.ObjectKeyFromObject(certificate), secret) })
	return secret
}

func ofCertManager(kind, name string, spec map[string]any) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	object.SetAPIVersion("cert-manager.io/v1")
	object.SetKind(kind)
	object.SetNamespace(name)
	object.SetName(name)
	return object
}

func checkProvided(secret *corev1.Secret) ([]*x509.Certificate, error) {
	return pki.CheckProvided(pairOf(secret), secret.Data[manifests.CABundleKey], host(secret.Name), time.Now())
}

func host(name string) string { return fmt.Sprintf("%[1]s.%[1]s.svc", name) }
