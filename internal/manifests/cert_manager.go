// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// CertificateKind is the kind of cert-manager's Certificate.
var CertificateKind = schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}

// Certificate requests a serving certificate for dnsNames from cert-manager. Its Secret has the owner label, so that
// changes of it are watched.
func Certificate(extensionAPI *v1alpha1.ExtensionAPI, dnsNames []string) runtime.ApplyConfiguration {
	wanted := extensionAPI.Spec.Server.Certificates.CertManager
	validity := v1alpha1.DefaultValidity
	if wanted.Validity != nil {
		validity = wanted.Validity.Duration
	}
	algorithm, size := keyAlgorithm(wanted.KeyAlgorithm)
	certificate := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"secretName": CertManagerName(extensionAPI.Name),
		"secretTemplate": map[string]any{
			"labels":      untyped(labels.Merge(texts(metadataOf(extensionAPI).Labels), Labels(extensionAPI.Name))),
			"annotations": untyped(objectAnnotations(extensionAPI)),
		},
		"dnsNames":   list(dnsNames),
		"duration":   validity.String(),
		"usages":     list(usages(algorithm)),
		"privateKey": map[string]any{"algorithm": algorithm, "size": size, "rotationPolicy": "Always"},
		"issuerRef": map[string]any{
			"name": wanted.IssuerRef.Name, "kind": wanted.IssuerRef.Kind, "group": wanted.IssuerRef.Group,
		},
	}}}
	certificate.SetGroupVersionKind(CertificateKind)
	certificate.SetNamespace(extensionAPI.Spec.Server.Namespace)
	certificate.SetName(CertManagerName(extensionAPI.Name))
	certificate.SetLabels(objectLabels(extensionAPI))
	certificate.SetAnnotations(objectAnnotations(extensionAPI))
	return client.ApplyConfigurationFromUnstructured(certificate)
}

// keyAlgorithm returns what cert-manager calls an algorithm.
func keyAlgorithm(wanted v1alpha1.KeyAlgorithm) (algorithm string, size int64) {
	switch wanted {
	case v1alpha1.KeyRSA2048:
		return rsaKey, 2048
	case v1alpha1.KeyRSA4096:
		return rsaKey, 4096
	case v1alpha1.KeyECDSA384:
		return "ECDSA", 384
	default:
		return "ECDSA", 256
	}
}

const rsaKey = "RSA"

// usages are what a server's key is used for; without key encipherment, clients of TLS 1.2 may refuse an RSA key.
func usages(algorithm string) []string {
	if algorithm == rsaKey {
		return []string{"digital signature", "key encipherment", "server auth"}
	}
	return []string{"digital signature", "server auth"}
}

func list(texts []string) []any {
	var result []any
	for _, text := range texts {
		result = append(result, text)
	}
	return result
}

func untyped(texts map[string]string) map[string]any {
	result := map[string]any{}
	for key, text := range texts {
		result[key] = text
	}
	return result
}
