// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Certificates is the source of the serving certificate: one of managed, secretRef and certManager. The server's Pods
// always mount the Secret <name>-serving-cert, into which the operator writes certificates that it has verified.
// +kubebuilder:validation:XValidation:rule="[has(self.managed), has(self.secretRef), has(self.certManager)].filter(x, x).size() == 1",message="spec.server.certificates: set one of managed, secretRef and certManager, or leave it out, which is managed: {}"
// +kubebuilder:validation:MinProperties=1
type Certificates struct {
	// managed makes the operator issue certificates from a CA of its own for this ExtensionAPI. It is the default.
	// +optional
	Managed *ManagedCertificates `json:"managed,omitempty"`

	// secretRef references a Secret that a user or another controller provides and renews.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`

	// certManager makes cert-manager issue the certificate.
	// +optional
	CertManager *CertManagerCertificates `json:"certManager,omitempty"`
}

// KeyAlgorithm is the algorithm of a private key, with its size in bits.
// +kubebuilder:validation:Enum=ECDSA256;ECDSA384;RSA2048;RSA4096
type KeyAlgorithm string

const (
	// KeyECDSA256 is ECDSA with the curve P-256.
	KeyECDSA256 KeyAlgorithm = "ECDSA256"
	// KeyECDSA384 is ECDSA with the curve P-384.
	KeyECDSA384 KeyAlgorithm = "ECDSA384"
	// KeyRSA2048 is RSA with 2048 bits.
	KeyRSA2048 KeyAlgorithm = "RSA2048"
	// KeyRSA4096 is RSA with 4096 bits. Its handshakes take the server much longer.
	KeyRSA4096 KeyAlgorithm = "RSA4096"
)

// ManagedCertificates are certificates that the operator issues and renews.
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || duration(self.renewBefore) + duration(self.renewBefore) <= duration(self.validity)",message="spec.server.certificates.managed.renewBefore must be at most half of validity"
// +kubebuilder:validation:XValidation:rule="duration(self.validity) + duration(self.validity) + duration(self.validity) <= duration(self.caValidity)",message="spec.server.certificates.managed.caValidity must be at least three times validity: a CA is renewed after two thirds of its lifetime, and must outlive the certificates that it issues"
// +kubebuilder:validation:MinProperties=1
type ManagedCertificates struct {
	// validity of the serving certificate, 1h to 8760h (a year); defaults to 2160h (90 days).
	// +optional
	// +kubebuilder:default="2160h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1h') && duration(self) <= duration('8760h')",message="spec.server.certificates.managed.validity must be between 1h and 8760h (a year), such as 720h; its units are h, m, s and ms"
	Validity *metav1.Duration `json:"validity,omitempty"` //nolint:kubeapilinter // people write 5s

	// renewBefore is how long before its expiry a serving certificate is renewed at the latest, 10m to half of validity;
	// defaults to a third of validity. Up to a twentieth of validity is added, so that certificates that were issued
	// together are not renewed together.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('10m')",message="spec.server.certificates.managed.renewBefore must be at least 10m, such as 240h; its units are h, m, s and ms"
	RenewBefore *metav1.Duration `json:"renewBefore,omitempty"` //nolint:kubeapilinter // people write 5s

	// caValidity is the validity of the CA, up to 175200h (20 years), and at least three times validity; defaults to
	// 87600h (10 years). The CA is renewed after two thirds of its lifetime.
	// +optional
	// +kubebuilder:default="87600h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) <= duration('175200h')",message="spec.server.certificates.managed.caValidity must be at most 175200h (20 years), such as 87600h; its units are h, m, s and ms"
	CAValidity *metav1.Duration `json:"caValidity,omitempty"` //nolint:kubeapilinter // people write 5s

	// rotateServingAfter replaces a serving certificate that was issued before this time. A time in the future takes
	// effect when it is reached.
	// +optional
	RotateServingAfter *metav1.Time `json:"rotateServingAfter,omitempty"`

	// rotateCAAfter replaces a CA that was created before this time, and then the serving certificate. A time in the
	// future takes effect when it is reached.
	// +optional
	RotateCAAfter *metav1.Time `json:"rotateCAAfter,omitempty"`

	// dnsNames are further names of the serving certificate, for clients that connect to the server by another name than
	// <name>.<namespace>.svc; at most 16. The CA issues for these
	// names only, so a change of them replaces the CA, too.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.all(n, n.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') && !n.matches('^[0-9.]+$'))",message="spec.server.certificates.managed.dnsNames must be DNS names of lower-case letters, digits, '-' and '.', such as wardle.example.com; wildcards and IP addresses are not possible"
	DNSNames []string `json:"dnsNames,omitempty"`

	// keyAlgorithm of the serving certificate's key: ECDSA256, ECDSA384, RSA2048 or RSA4096; defaults to ECDSA256.
	// +optional
	// +kubebuilder:default=ECDSA256
	KeyAlgorithm KeyAlgorithm `json:"keyAlgorithm,omitempty"`
}

// SecretReference references a Secret in the server's namespace with the keys tls.crt, tls.key and ca.crt. The
// certificate must be valid for <name>.<namespace>.svc and issued by a CA in ca.crt. Invalid updates are rejected and
// reported, and the last valid certificate stays in use.
type SecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="spec.server.certificates.secretRef.name must be the name of a Secret: lower-case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`
}

// CertManagerCertificates are certificates that cert-manager issues and renews, into the Secret <name>-cert-manager in
// the server's namespace.
type CertManagerCertificates struct {
	// issuerRef references the issuer. It must be one that sets ca.crt to a CA certificate, such as a CA or Vault issuer;
	// a self-signed issuer does not.
	// +required
	IssuerRef CertManagerIssuer `json:"issuerRef,omitzero"`

	// validity that is requested, 1h to 8760h (a year); defaults to 2160h (90 days). cert-manager renews the certificate
	// after two thirds of it.
	// +optional
	// +kubebuilder:default="2160h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1h') && duration(self) <= duration('8760h')",message="spec.server.certificates.certManager.validity must be between 1h and 8760h (a year), such as 720h; its units are h, m, s and ms"
	Validity *metav1.Duration `json:"validity,omitempty"` //nolint:kubeapilinter // people write 5s

	// dnsNames are further names of the serving certificate, for clients that connect to the server by another name than
	// <name>.<namespace>.svc; at most 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.all(n, n.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') && !n.matches('^[0-9.]+$'))",message="spec.server.certificates.certManager.dnsNames must be DNS names of lower-case letters, digits, '-' and '.', such as wardle.example.com; wildcards and IP addresses are not possible"
	DNSNames []string `json:"dnsNames,omitempty"`

	// keyAlgorithm of the serving certificate's key: ECDSA256, ECDSA384, RSA2048 or RSA4096; defaults to ECDSA256.
	// +optional
	// +kubebuilder:default=ECDSA256
	KeyAlgorithm KeyAlgorithm `json:"keyAlgorithm,omitempty"`
}

// CertManagerIssuer references an issuer in the same way as cert-manager.
type CertManagerIssuer struct {
	// name of the issuer.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// kind of the issuer: Issuer (in the server's namespace), ClusterIssuer, or that of an external issuer; defaults to
	// Issuer.
	// +optional
	// +kubebuilder:default=Issuer
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind,omitempty"`

	// group of the issuer; defaults to cert-manager.io.
	// +optional
	// +kubebuilder:default="cert-manager.io"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Group string `json:"group,omitempty"`
}
