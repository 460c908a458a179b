// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 contains the ExtensionAPI resource of aggregation.extensionapi.dev/v1alpha1.
// +kubebuilder:object:generate=true
// +groupName=aggregation.extensionapi.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the group and version of this package's types.
	GroupVersion = schema.GroupVersion{Group: "aggregation.extensionapi.dev", Version: "v1alpha1"}

	schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme registers this package's types with a scheme.
	AddToScheme = schemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &ExtensionAPI{}, &ExtensionAPIList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
