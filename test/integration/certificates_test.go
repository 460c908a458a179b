// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/holders"
)

func TestServingCertificateIsValidForTheServiceNameAndItsBundle(t *testing.T) {
	t.Parallel()
	const name = "certified"
	startRollout(t, name)
	if err := checkCertificates(name); err != nil {
		t.Error(err)
	}
	serving, err := cert.ParseCertsPEM(servingSecret(t, name).Data[corev1.TLSCertKey])
	if err != nil {
		t.Fatal(err)
	}
	certificate := get(t, name).Status.Certificate
	if certificate == nil || !certificate.NotAfter.Equal(&metav1.Time{Time: serving[0].NotAfter}) {
		t.Errorf("status.certificate is %+v, but the certificate expires at %s", certificate, serving[0].NotAfter)
	}
}

func TestCAKeyIsStoredOnlyInTheOperatorsNamespace(t *testing.T) {
	t.Parallel()
	const name = "key-apart"
	startRollout(t, name)
	ca := trustSecret(t, name).Data[corev1.TLSPrivateKeyKey]
	if len(ca) == 0 {
		t.Fatal("the CA has no key")
	}
	secrets := &corev1.SecretList{}
	if err := plane.client.List(ctx, secrets, client.InNamespace(name)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		for key, value := range secret.Data {
			if bytes.Contains(value, ca) {
				t.Errorf("Secret %s/%s contains the CA's key in %s", secret.Namespace, secret.Name, key)
			}
		}
	}
}

func TestDamagedCertificatesAreReplaced(t *testing.T) {
	t.Parallel()
	const name = "damaged"
	startRollout(t, name)
	foreign := servingFor(t, newSigner(t), name)
	garble := func(key string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Data[key] = []byte("?") }
	}
	for _, test := range []struct {
		damage string
		secret func(*testing.T, string) *corev1.Secret
		do     func(*corev1.Secret)
	}{
		{"a serving key that is garbage", servingSecret, garble(corev1.TLSPrivateKeyKey)},
		{"no serving certificate", servingSecret, func(s *corev1.Secret) { s.Data[corev1.TLSCertKey] = nil }},
		{"a serving certificate of another CA", servingSecret, func(s *corev1.Secret) {
			s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey] = foreign.Certificate, foreign.Key
		}},
		{"no bundle", servingSecret, func(s *corev1.Secret) { delete(s.Data, manifests.CABundleKey) }},
		{"a bundle that is garbage", servingSecret, garble(manifests.CABundleKey)},
		{"no label on the serving certificate", servingSecret, func(s *corev1.Secret) { s.Labels = nil }},
		{"no label on the CA", trustSecret, func(s *corev1.Secret) { s.Labels = nil }},
		{"a CA whose key is garbage", trustSecret, garble(corev1.TLSPrivateKeyKey)},
	} {
		t.Run(test.damage, func(t *testing.T) {
			damaged := test.secret(t, name)
			test.do(damaged)
			if err := plane.client.Update(ctx, damaged, client.FieldOwner(otherManager)); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() error { return checkCertificates(name) })
		})
	}
}

func TestShorterValidityReissuesTheServingCertificate(t *testing.T) {
	t.Parallel()
	const name = "validity"
	startRollout(t, name)
	before := trustSecret(t, name).Data[corev1.TLSCertKey]
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Certificates = &v1alpha1.Certificates{
			Managed: &v1alpha1.ManagedCertificates{Validity: &metav1.Duration{Duration: time.Hour}},
		}
	})
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		if left := time.Until(e.Status.Certificate.NotAfter.Time); left > time.Hour {
			return fmt.Errorf("the certificate is valid for another %s", left)
		}
		return checkCertificates(name)
	})
	if !bytes.Equal(before, trustSecret(t, name).Data[corev1.TLSCertKey]) {
		t.Error("the CA was replaced")
	}
}

func TestServingCertificateHasTheNamesAndTheKeyOfTheSpec(t *testing.T) {
	t.Parallel()
	const name, further = "named-certificate", "api.named-certificate.example.com"
	startRollout(t, name)
	rotate(t, name, func(managed *v1alpha1.ManagedCertificates) {
		managed.DNSNames, managed.KeyAlgorithm = []string{further}, v1alpha1.KeyRSA2048
	})
	eventually(t, func() error {
		serving := servingSecret(t, name)
		return errors.Join(expectNamesAndRSA(serving, name, further), checkTrust(name, trustSecret(t, name), serving))
	})
}

// expectNamesAndRSA returns an error unless the certificate is for the server and a further name, with an RSA key.
func expectNamesAndRSA(serving *corev1.Secret, name, further string) error {
	chain, err := cert.ParseCertsPEM(serving.Data[corev1.TLSCertKey])
	if err != nil {
		return err
	}
	leaf := chain[0]
	_, isRSA := leaf.PublicKey.(*rsa.PublicKey)
	if !isRSA || !slices.Equal(leaf.DNSNames, []string{host(name), host(name) + ".cluster.local", further}) {
		return fmt.Errorf("the certificate has the names %q, and a key %T", leaf.DNSNames, leaf.PublicKey)
	}
	return nil
}

func TestNoWriteChurnWhileTheServingCertificateCannotBeStored(t *testing.T) {
	t.Parallel()
	const name = "not-storable"
	createNamespace(t, name)
	create(t, &corev1.Secret{ObjectMeta: in(name, manifests.ServingSecretName(name))})
	apply(t, served(name))
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonNameConflict))
	expectDocumented(t, "name-conflict", name, v1alpha1.ConditionCertificatesReady)
	before := trustSecret(t, name).ResourceVersion
	consistently(t, func() error {
		if now := trustSecret(t, name).ResourceVersion; now != before {
			return fmt.Errorf("Secret %s was updated from %s to %s", manifests.TrustSecretName(name), before, now)
		}
		return nil
	})
}

func TestDeletedServingCertificateIsReissued(t *testing.T) {
	t.Parallel()
	const name = "lost-certificate"
	startRollout(t, name)
	if err := plane.client.Delete(ctx, servingSecret(t, name)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return checkCertificates(name) })
}

func TestCAAddedInTheServersNamespaceIsNotTrusted(t *testing.T) {
	t.Parallel()
	const name = "smuggled-authority"
	startRollout(t, name)
	own := trustSecret(t, name).Data[corev1.TLSCertKey]
	registerAsOperator(t, name, own)
	smuggled := slices.Concat(own, newSigner(t).Certificate)
	change(t, servingSecret(t, name), func(s *corev1.Secret) { s.Data[manifests.CABundleKey] = smuggled })
	eventually(t, func() error {
		if !bytes.Equal(servingSecret(t, name).Data[manifests.CABundleKey], own) {
			return errors.New("the bundle beside the serving certificate is not repaired")
		}
		return nil
	})
	if trusted := apiServices(t, name)["v1."+name+".example.com"].Spec.CABundle; !bytes.Equal(trusted, own) {
		t.Errorf("the APIService trusts\n%s", trusted)
	}
}

// registerAsOperator creates the APIService that the operator would create if the replicas had responded.
func registerAsOperator(t *testing.T, name string, caBundle []byte) {
	t.Helper()
	apiService := holders.APIService(name)
	apiService.Labels = manifests.Labels(name)
	apiService.Spec.CABundle, apiService.Spec.InsecureSkipTLSVerify = caBundle, false
	apiService.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: name, Name: name, Port: ptr.To[int32](443)}
	create(t, apiService)
	await(t, name, status.InProgressStatus, isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered))
}

func servingSecret(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	return readSecret(t, name, manifests.ServingSecretName(name))
}

func trustSecret(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	return readSecret(t, operatorNamespace, manifests.TrustSecretName(name))
}

func readSecret(t *testing.T, namespace, name string) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	if err := plane.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret); err != nil {
		t.Fatal(err)
	}
	return secret
}

// checkCertificates checks that kube-apiserver would accept the server's certificate, and that the operator issued it.
func checkCertificates(name string) error {
	signer, serving := &corev1.Secret{}, &corev1.Secret{}
	err := errors.Join(
		plane.client.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: manifests.TrustSecretName(name)}, signer),
		plane.client.Get(ctx, client.ObjectKey{Namespace: name, Name: manifests.ServingSecretName(name)}, serving))
	if err != nil {
		return err
	}
	for _, secret := range []*corev1.Secret{signer, serving} {
		if secret.Labels[manifests.OwnerLabel] != name {
			return fmt.Errorf("Secret %s has the labels %v", secret.Name, secret.Labels)
		}
		if err := checkPair(secret); err != nil {
			return err
		}
	}
	return checkTrust(name, signer, serving)
}

func checkPair(secret *corev1.Secret) error {
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return fmt.Errorf("Secret %s: %w", secret.Name, err)
	}
	if _, ok := pair.PrivateKey.(*ecdsa.PrivateKey); !ok {
		return fmt.Errorf("Secret %s has a key of type %T", secret.Name, pair.PrivateKey)
	}
	return nil
}

func checkTrust(name string, signer, serving *corev1.Secret) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(serving.Data[manifests.CABundleKey]) {
		return errors.New("the bundle contains no certificate")
	}
	leaf, err := cert.ParseCertsPEM(serving.Data[corev1.TLSCertKey])
	if err != nil {
		return err
	}
	for _, host := range []string{name + "." + name + ".svc", name + "." + name + ".svc.cluster.local"} {
		if _, err := leaf[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			return fmt.Errorf("verifying the serving certificate for %s: %w", host, err)
		}
	}
	ca, err := cert.ParseCertsPEM(signer.Data[corev1.TLSCertKey])
	if err != nil {
		return err
	}
	return leaf[0].CheckSignatureFrom(ca[0])
}
