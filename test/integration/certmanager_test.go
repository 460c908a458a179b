// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// startCertManager runs cert-manager's controllers on a control plane that has its CustomResourceDefinitions.
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

func TestCertManagersCAIssuerIsAccepted(t *testing.T) {
	t.Parallel()
	const name = "cert-manager-ca"
	createCAIssuer(t, name)
	if _, err := checkProvided(certified(t, name)); err != nil {
		t.Error(err)
	}
}

func TestCertManagersSelfSignedIssuerIsRefused(t *testing.T) {
	t.Parallel()
	const name = "cert-manager-self-signed"
	createNamespace(t, name)
	create(t, issuer(name, map[string]any{"selfSigned": map[string]any{}}))
	_, err := checkProvided(certified(t, name))
	if err == nil || !strings.Contains(err.Error(), "ca.crt holds the certificate") {
		t.Errorf("got %v", err)
	}
}

// createCAIssuer makes an Issuer, with an authority of its own, in a namespace of the same name.
func createCAIssuer(t *testing.T, name string) {
	t.Helper()
	createNamespace(t, name)
	authority := newSigner(t)
	create(t, &corev1.Secret{ObjectMeta: in(name, "authority"), Type: corev1.SecretTypeTLS, Data: map[string][]byte{
		corev1.TLSCertKey: authority.Certificate, corev1.TLSPrivateKeyKey: authority.Key,
	}})
	create(t, issuer(name, map[string]any{"ca": map[string]any{"secretName": "authority"}}))
}

func issuer(name string, spec map[string]any) *unstructured.Unstructured {
	return ofCertManager("Issuer", name, spec)
}

// certified returns the Secret for the Service NAME in namespace NAME, once cert-manager has filled it.
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

func checkProvided(secret *corev1.Secret) (pki.Provided, error) {
	pair := pki.KeyPair{Certificate: secret.Data[corev1.TLSCertKey], Key: secret.Data[corev1.TLSPrivateKeyKey]}
	return pki.CheckProvided(pair, secret.Data[manifests.CABundleKey], host(secret.Name), time.Now())
}

func host(name string) string { return fmt.Sprintf("%[1]s.%[1]s.svc", name) }
