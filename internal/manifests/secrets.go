// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	corev1 "k8s.io/api/core/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// CABundleKey is the key of the trust bundle, as cert-manager and service-ca name it.
const CABundleKey = "ca.crt"

// SignerSecret holds the certificate authority and the trust bundle. It stays in the operator's namespace.
func SignerSecret(
	extensionAPI *v1alpha1.ExtensionAPI, operatorNamespace string, signer pki.KeyPair, bundle []byte,
) *core.SecretApplyConfiguration {
	return tlsSecret(extensionAPI, SignerSecretName(extensionAPI.Name), operatorNamespace, signer, bundle)
}

// ServingSecret holds the serving certificate and a copy of the trust bundle, in the server's namespace.
func ServingSecret(
	extensionAPI *v1alpha1.ExtensionAPI, serving pki.KeyPair, bundle []byte,
) *core.SecretApplyConfiguration {
	namespace := extensionAPI.Spec.Server.Namespace
	return tlsSecret(extensionAPI, ServingSecretName(extensionAPI.Name), namespace, serving, bundle)
}

func tlsSecret(
	extensionAPI *v1alpha1.ExtensionAPI, name, namespace string, pair pki.KeyPair, bundle []byte,
) *core.SecretApplyConfiguration {
	return core.Secret(name, namespace).
		WithLabels(objectLabels(extensionAPI.Name)).
		WithType(corev1.SecretTypeTLS).
		WithData(map[string][]byte{
			corev1.TLSCertKey:       pair.Certificate,
			corev1.TLSPrivateKeyKey: pair.Key,
			CABundleKey:             bundle,
		})
}
