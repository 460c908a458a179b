// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// CABundleSource references a CA bundle: one of secretRef, configMapRef and clusterTrustBundleRef. Certificates that
// have expired, or are not of a CA, are left out. If the object is missing or contains no usable CA, that is reported,
// and the last good bundle stays in use.
// +kubebuilder:validation:XValidation:rule="[has(self.secretRef), has(self.configMapRef), has(self.clusterTrustBundleRef)].filter(x, x).size() == 1",message="spec.existingService.caBundleFrom: set exactly one of secretRef, configMapRef and clusterTrustBundleRef"
// +kubebuilder:validation:MinProperties=1
type CABundleSource struct {
	// secretRef references a key of a Secret in the namespace of the Service, such as one that cert-manager writes.
	// +optional
	SecretRef *CABundleKeyReference `json:"secretRef,omitempty"`

	// configMapRef references a key of a ConfigMap in the namespace of the Service, such as one that trust-manager or
	// OpenShift's service-ca writes.
	// +optional
	ConfigMapRef *CABundleKeyReference `json:"configMapRef,omitempty"`

	// clusterTrustBundleRef references a ClusterTrustBundle. The cluster must serve certificates.k8s.io/v1 or v1beta1 with
	// this kind.
	// +optional
	ClusterTrustBundleRef *ClusterTrustBundleReference `json:"clusterTrustBundleRef,omitempty"`
}

// CABundleKeyReference references a key of a Secret or ConfigMap in the namespace of the Service.
type CABundleKeyReference struct {
	// name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="spec.existingService.caBundleFrom: name must be the name of a Secret or ConfigMap: lower-case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`

	// key whose value is the PEM bundle; defaults to ca.crt.
	// +optional
	// +kubebuilder:default=ca.crt
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="spec.existingService.caBundleFrom: key must consist of letters, digits, '-', '_' and '.', such as service-ca.crt"
	Key string `json:"key,omitempty"`
}

// ClusterTrustBundleReference references a ClusterTrustBundle.
type ClusterTrustBundleReference struct {
	// name of the ClusterTrustBundle. That of one with a signer begins with the signer's name, with ':' in place of '/',
	// such as example.com:internal:main.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$')",message="spec.existingService.caBundleFrom.clusterTrustBundleRef.name must be the name of a ClusterTrustBundle: lower-case letters, digits, '-', '.' and ':'"
	Name string `json:"name,omitempty"`
}
