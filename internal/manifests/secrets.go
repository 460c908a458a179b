// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	corev1 "k8s.io/api/core/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const (
	// CABundleKey is the key of the trust bundle, the same as that of cert-manager and service-ca.
	CABundleKey = "ca.crt"
	// RotationKey is the key of the record of a rotation, in JSON.
	RotationKey = "rotation.json"
)

// TrustSecret contains the trust bundle, the record of its rotation and, if there is one, the operator's own CA. It is
// in the operator's namespace only, so it has no labels and annotations of users: controllers copy Secrets on request.
func TrustSecret(
	extensionAPI *v1alpha1.ExtensionAPI, operatorNamespace string, signer pki.KeyPair, bundle, record []byte,
) *core.SecretApplyConfiguration {
	data := map[string][]byte{CABundleKey: bundle, RotationKey: record}
	if len(signer.Key) > 0 {
		data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey] = signer.Certificate, signer.Key
	}
	return core.Secret(TrustSecretName(extensionAPI.Name), operatorNamespace).
		WithLabels(ownLabels(extensionAPI.Name)).
		WithAnnotations(ownAnnotations(extensionAPI)).
		WithType(corev1.SecretTypeOpaque).
		WithData(data)
}

// ServingSecret contains the serving certificate and a copy of the trust bundle, in the server's namespace.
func ServingSecret(
	extensionAPI *v1alpha1.ExtensionAPI, serving pki.KeyPair, bundle []byte,
) *core.SecretApplyConfiguration {
	return core.Secret(ServingSecretName(extensionAPI.Name), extensionAPI.Spec.Server.Namespace).
		WithLabels(objectLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithType(corev1.SecretTypeTLS).
		WithData(map[string][]byte{
			corev1.TLSCertKey:       serving.Certificate,
			corev1.TLSPrivateKeyKey: serving.Key,
			CABundleKey:             bundle,
		})
}
