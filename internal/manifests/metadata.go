// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// IsOwnLabel reports whether the operator applies the label, rather than that a user adds it.
func IsOwnLabel(key string) bool {
	return strings.HasPrefix(key, OwnPrefix) || key == ManagedByLabel || key == ComponentLabel
}

// componentLabels returns the labels of the objects that run the server.
func componentLabels(extensionAPI *v1alpha1.ExtensionAPI) map[string]string {
	return workloadLabels(extensionAPI, ServerLabels(extensionAPI.Name))
}

// workloadLabels returns the labels of the objects that run a workload.
func workloadLabels(extensionAPI *v1alpha1.ExtensionAPI, own map[string]string) map[string]string {
	return labels.Merge(objectLabels(extensionAPI), own)
}

// objectLabels returns the operator's labels, and those that the user adds.
func objectLabels(extensionAPI *v1alpha1.ExtensionAPI) map[string]string {
	return labels.Merge(texts(metadataOf(extensionAPI).Labels), ownLabels(extensionAPI.Name))
}

func ownLabels(name string) map[string]string {
	return map[string]string{OwnerLabel: name, ManagedByLabel: ManagedBy}
}

// objectAnnotations returns the operator's annotations, and those that the user adds to all objects, or, as further, to
// this one.
func objectAnnotations(extensionAPI *v1alpha1.ExtensionAPI, further ...map[string]string) map[string]string {
	annotations := texts(metadataOf(extensionAPI).Annotations)
	for _, more := range further {
		annotations = labels.Merge(annotations, more)
	}
	return labels.Merge(annotations, ownAnnotations(extensionAPI))
}

func ownAnnotations(extensionAPI *v1alpha1.ExtensionAPI) map[string]string {
	return map[string]string{UIDAnnotation: string(extensionAPI.UID)}
}

func texts[T ~string](values map[string]T) map[string]string {
	result := make(map[string]string, len(values))
	for key, value := range values {
		result[key] = string(value)
	}
	return result
}

// metadataOf is empty for a server that the operator does not run.
func metadataOf(extensionAPI *v1alpha1.ExtensionAPI) v1alpha1.ServerMetadata {
	server := ptr.Deref(extensionAPI.Spec.Server, v1alpha1.Server{})
	return ptr.Deref(server.Metadata, v1alpha1.ServerMetadata{})
}
