// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// ClusterTrustBundleKinds are the versions of the kind that can be read, in the order in which they are tried.
// Kubernetes serves v1beta1 since 1.33, off by default, and v1 since 1.37 (pkg/features/kube_features.go).
var ClusterTrustBundleKinds = []schema.GroupVersionKind{
	{Group: "certificates.k8s.io", Version: "v1", Kind: "ClusterTrustBundle"},
	{Group: "certificates.k8s.io", Version: "v1beta1", Kind: "ClusterTrustBundle"},
}

// Source is an object of another owner that certificates or CAs come from.
type Source struct {
	schema.GroupVersionKind
	types.NamespacedName
}

// String returns the kind and the name of the object.
func (s Source) String() string {
	if s.Namespace == "" {
		return s.Kind + " " + s.Name
	}
	return s.Kind + " " + s.NamespacedName.String()
}

// SecretSource is a Secret.
func SecretSource(namespace, name string) Source {
	return Source{corev1.SchemeGroupVersion.WithKind("Secret"), types.NamespacedName{Namespace: namespace, Name: name}}
}

// CABundleSource returns the object that spec.existingService.caBundleFrom references, and the key of its data. A
// ClusterTrustBundle has no key, and the first of its kinds.
func CABundleSource(service *v1alpha1.ExistingService) (source Source, key string) {
	switch from := service.CABundleFrom; {
	case from.SecretRef != nil:
		return SecretSource(service.Namespace, from.SecretRef.Name), from.SecretRef.Key
	case from.ConfigMapRef != nil:
		return Source{
			corev1.SchemeGroupVersion.WithKind("ConfigMap"),
			types.NamespacedName{Namespace: service.Namespace, Name: from.ConfigMapRef.Name},
		}, from.ConfigMapRef.Key
	default:
		return Source{ClusterTrustBundleKinds[0], types.NamespacedName{Name: from.ClusterTrustBundleRef.Name}}, ""
	}
}

// TrustsSource reports whether the CA bundle comes from an object of another owner.
func TrustsSource(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return extensionAPI.Spec.ExistingService != nil && extensionAPI.Spec.ExistingService.CABundleFrom != nil
}
