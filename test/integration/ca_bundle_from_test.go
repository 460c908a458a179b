// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// TestEarlierCAOfASecretStaysTrustedUntilTheServerHasChangedItsCertificate moves the record of the rotation into the
// past instead of waiting for kube-apiserver to load the new CA.
func TestEarlierCAOfASecretStaysTrustedUntilTheServerHasChangedItsCertificate(t *testing.T) {
	t.Parallel()
	const name = "bundle-rotated"
	backend, server := startBackend(t, name, "v1")
	earlier, later := backend.signer, newSigner(t)
	source := &corev1.Secret{ObjectMeta: in(name, "ca"), Data: map[string][]byte{"ca.crt": earlier.Certificate}}
	create(t, source)
	apply(t, backend.declareFrom(v1alpha1.CABundleSource{SecretRef: &v1alpha1.CABundleKeyReference{Name: "ca"}}))
	awaitRegistered(t, name)
	awaitTrusted(t, name, earlier.Certificate)

	change(t, source, func(s *corev1.Secret) { s.Data["ca.crt"] = later.Certificate })
	awaitTrusted(t, name, later.Certificate, earlier.Certificate)
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonRotating, "every kube-apiserver to load the new CA",
			"earlier CAs that no replica needs are trusted at least until"),
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))

	letDwellPass(t, name)
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonRotating,
			"replicas to serve a certificate of a CA in the new bundle", fmt.Sprintf("endpoint localhost:%d", backend.port)))
	awaitTrusted(t, name, later.Certificate, earlier.Certificate)

	server.Present(keyPair(t, servingFor(t, later, name)))
	awaitTrusted(t, name, later.Certificate)
	await(t, name, status.CurrentStatus,
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonUserProvided,
			"verified with the CA bundle in Secret bundle-rotated/ca, key ca.crt"),
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
}

func TestLastGoodBundleStaysInUseWhileItsConfigMapCannotBeUsed(t *testing.T) {
	t.Parallel()
	const name, key = "bundle-lost", "service-ca.crt"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declareFrom(v1alpha1.CABundleSource{
		ConfigMapRef: &v1alpha1.CABundleKeyReference{Name: "service-ca", Key: key},
	}))
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonCABundleNotFound,
			"ConfigMap bundle-lost/service-ca does not exist", "Until then the API is not registered"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonWaitingForServer, "no usable CA bundle yet"))
	expectDocumented(t, "ca-bundle-missing", name, v1alpha1.ConditionCertificatesReady)
	expectAPIServices(t, name)

	source := &corev1.ConfigMap{ObjectMeta: in(name, "service-ca"), Data: map[string]string{"other.crt": ""}}
	create(t, source)
	awaitCertificates(t, name, isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonCABundleNotFound,
		"ConfigMap bundle-lost/service-ca has no key service-ca.crt"))
	trusted := backend.signer.Certificate
	change(t, source, func(c *corev1.ConfigMap) { c.Data[key] = string(trusted) })
	awaitRegistered(t, name)
	awaitTrusted(t, name, trusted)

	change(t, source, func(c *corev1.ConfigMap) { c.Data[key] = "" })
	awaitCertificates(t, name, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonInvalidCABundle,
		"ConfigMap bundle-lost/service-ca, key service-ca.crt", "The last good bundle stays in use"))
	expectDocumented(t, "ca-bundle-refused", name, v1alpha1.ConditionCertificatesReady)
	expectEvent(t, name, "Warning InvalidCABundle", "The last good bundle stays in use")
	deleteNow(t, source)
	awaitCertificates(t, name, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonCABundleNotFound,
		"does not exist", "The last good bundle stays in use"))
	awaitTrusted(t, name, trusted)
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
}

func TestCABundleOfAClusterTrustBundleIsRegistered(t *testing.T) {
	t.Parallel()
	const name = "bundle-of-cluster"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declareFrom(v1alpha1.CABundleSource{
		ClusterTrustBundleRef: &v1alpha1.ClusterTrustBundleReference{Name: name},
	}))
	awaitCertificates(t, name, isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonCABundleNotFound,
		"ClusterTrustBundle bundle-of-cluster does not exist"))
	bundle := &unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"trustBundle": string(backend.signer.Certificate)},
	}}
	bundle.SetGroupVersionKind(manifests.ClusterTrustBundleKinds[1])
	bundle.SetName(name)
	createUntilCleanup(t, bundle)
	awaitRegistered(t, name)
	awaitTrusted(t, name, backend.signer.Certificate)
}

// A CA that the spec does not name any more must not be trusted again when it names a source once more.
func TestStoredBundleIsRemovedWithItsReference(t *testing.T) {
	t.Parallel()
	const name = "bundle-dropped"
	backend, _ := startBackend(t, name, "v1")
	create(t, &corev1.Secret{
		ObjectMeta: in(name, "ca"), Data: map[string][]byte{"ca.crt": backend.signer.Certificate},
	})
	from := backend.declareFrom(v1alpha1.CABundleSource{SecretRef: &v1alpha1.CABundleKeyReference{Name: "ca"}})
	apply(t, from)
	awaitRegistered(t, name)
	trustSecret(t, name)

	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.ExistingService.CABundle, e.Spec.ExistingService.CABundleFrom = backend.signer.Certificate, nil
	})
	awaitNoTrustSecret(t, name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.ExistingService = from.Spec.ExistingService })
	eventually(t, func() error { return readTrust(name, &corev1.Secret{}) })
	remove(t, name)
	awaitNoTrustSecret(t, name)
}

// declareFrom returns an ExtensionAPI of NAME.example.com/v1 for the backend, whose CA bundle another owner keeps.
func (b *backend) declareFrom(source v1alpha1.CABundleSource) *v1alpha1.ExtensionAPI {
	extensionAPI := b.declare(groups(b.service.Name+".example.com", "v1"))
	extensionAPI.Spec.ExistingService.CABundle, extensionAPI.Spec.ExistingService.CABundleFrom = nil, &source
	return extensionAPI
}

// awaitTrusted waits until the APIService trusts exactly these CAs.
func awaitTrusted(t *testing.T, name string, authorities ...[]byte) {
	t.Helper()
	eventually(t, func() error {
		apiService := apiServices(t, name)["v1."+name+".example.com"]
		if apiService == nil || !bytes.Equal(apiService.Spec.CABundle, slices.Concat(authorities...)) {
			return fmt.Errorf("of %d CAs, the APIService does not trust each, or others, too", len(authorities))
		}
		return nil
	})
}

// letDwellPass makes the operator believe that every kube-apiserver has had time to load the new CA.
func letDwellPass(t *testing.T, name string) {
	t.Helper()
	eventually(t, func() error {
		trust := trustSecret(t, name)
		record := rotation.Record{}
		if err := json.Unmarshal(trust.Data[manifests.RotationKey], &record); err != nil {
			return err
		}
		if len(record.Announced) == 0 {
			return errors.New("no CA is published yet")
		}
		for _, authority := range slices.Collect(maps.Keys(record.Announced)) {
			record.Announced[authority] = record.Announced[authority].Add(-rotation.TrustDwell)
		}
		var err error
		if trust.Data[manifests.RotationKey], err = json.Marshal(record); err != nil {
			return err
		}
		return plane.client.Update(ctx, trust)
	})
}

func readTrust(name string, into *corev1.Secret) error {
	key := client.ObjectKey{Namespace: operatorNamespace, Name: manifests.TrustSecretName(name)}
	return plane.client.Get(ctx, key, into)
}

func awaitNoTrustSecret(t *testing.T, name string) {
	t.Helper()
	eventually(t, func() error {
		if err := readTrust(name, &corev1.Secret{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the stored bundle is not removed: %w", err)
		}
		return nil
	})
}
