// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const (
	// StandInName is the name of the Service in front of the operator's replicas, which the chart installs, and of the
	// Secret with its certificate.
	StandInName = "extensionapi-operator-stand-in"
	// signerCertKey and signerKeyKey are the keys of its CA in that Secret.
	signerCertKey, signerKeyKey = "ca-signer.crt", "ca-signer.key"

	// DiscoveryKey is the key of the compressed discovery.
	DiscoveryKey = "discovery.json.gz"
	// OpenAPIKey is the key of the compressed OpenAPI documents.
	OpenAPIKey = "openapi.json.gz" //nolint:gosec // no credential
	// groupVersionsKey lists the group-versions of the documents, a line each.
	groupVersionsKey = "group-versions"
)

// StandInService returns the Service of the stand-in. Another port than 443 is for tests.
func StandInService(operatorNamespace string, port int32) Backend {
	return Backend{Namespace: operatorNamespace, Name: StandInName, Port: port}
}

// HasStandIn reports whether the discovery of an ExtensionAPI may be served by the stand-in.
func HasStandIn(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return extensionAPI.Spec.Discovery.StandIn != v1alpha1.StandInNever
}

// IsBackendOf reports whether an APIService leads to the Service.
func (b Backend) IsBackendOf(apiService *apiregistrationv1.APIService) bool {
	service := apiService.Spec.Service
	return service != nil && service.Namespace == b.Namespace && service.Name == b.Name
}

// LeadTo changes where an APIService leads to, and the CAs (PEM) that verify the server there.
func LeadTo(configuration *apiregistration.APIServiceApplyConfiguration, backend Backend, caBundle []byte) {
	configuration.Spec.CABundle = caBundle
	configuration.Spec.WithService(apiregistration.ServiceReference().
		WithNamespace(backend.Namespace).
		WithName(backend.Name).
		WithPort(backend.Port))
}

// StandInSecret contains the CA, the certificate and the trust bundle of the stand-in, and the record of a rotation.
func StandInSecret(
	operatorNamespace string, signer, serving pki.KeyPair, bundle, record []byte,
) *core.SecretApplyConfiguration {
	return core.Secret(StandInName, operatorNamespace).
		WithLabels(map[string]string{ManagedByLabel: ManagedBy}).
		WithType(corev1.SecretTypeOpaque).
		WithData(map[string][]byte{
			corev1.TLSCertKey:       serving.Certificate,
			corev1.TLSPrivateKeyKey: serving.Key,
			CABundleKey:             bundle,
			signerCertKey:           signer.Certificate,
			signerKeyKey:            signer.Key,
			RotationKey:             record,
		})
}

// StandInSigner returns the CA in the data of that Secret.
func StandInSigner(data map[string][]byte) pki.KeyPair {
	return pki.KeyPair{Certificate: data[signerCertKey], Key: data[signerKeyKey]}
}

// DocumentsName returns the name of the ConfigMap with what a server last answered to discovery, in the operator's
// namespace.
func DocumentsName(name string) string { return name + "-discovery" }

// Documents is that ConfigMap, of some group-versions.
func Documents(
	extensionAPI *v1alpha1.ExtensionAPI, operatorNamespace string, groupVersions []schema.GroupVersion,
	discovery, openAPI []byte,
) *core.ConfigMapApplyConfiguration {
	var names []string
	for _, groupVersion := range groupVersions {
		names = append(names, groupVersion.String())
	}
	return core.ConfigMap(DocumentsName(extensionAPI.Name), operatorNamespace).
		WithLabels(ownLabels(extensionAPI.Name)).
		WithAnnotations(ownAnnotations(extensionAPI)).
		WithData(map[string]string{groupVersionsKey: strings.Join(names, "\n")}).
		WithBinaryData(map[string][]byte{DiscoveryKey: discovery, OpenAPIKey: openAPI})
}

// DocumentedIn returns the group-versions of such a ConfigMap.
func DocumentedIn(documents *corev1.ConfigMap) (groupVersions []schema.GroupVersion) {
	for name := range strings.FieldsSeq(documents.Data[groupVersionsKey]) {
		if groupVersion, err := schema.ParseGroupVersion(name); err == nil {
			groupVersions = append(groupVersions, groupVersion)
		}
	}
	return groupVersions
}
