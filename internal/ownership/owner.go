// SPDX-License-Identifier: Apache-2.0

// Package ownership determines the owner of an object from its metadata.
package ownership

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Kind is the kind of an owner.
type Kind int

const (
	// Other is an owner without a known mark.
	Other Kind = iota
	// BuiltInGroup is kube-apiserver, for a built-in group.
	BuiltInGroup
	// Local is kube-apiserver, for an APIService without a Service.
	Local
	// CustomResourceDefinition is the CRD that has a group-version.
	CustomResourceDefinition
	// HelmRelease is a Helm release.
	HelmRelease
	// OLM is the Operator Lifecycle Manager.
	OLM
	// ExtensionAPI is another ExtensionAPI.
	ExtensionAPI
	// EarlierExtensionAPI is a deleted ExtensionAPI of the same name.
	EarlierExtensionAPI
)

// FieldOwner is the field manager of everything the operator applies.
const FieldOwner = "extensionapi-operator"

// AppliedByOperator reports whether the operator has ever applied the object. That stays in its managed fields, even if
// it was deliberately orphaned.
func AppliedByOperator(object metav1.Object) bool {
	return slices.ContainsFunc(object.GetManagedFields(), isAppliedByOperator)
}

func isAppliedByOperator(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == FieldOwner && entry.Operation == metav1.ManagedFieldsOperationApply
}

// Owner is the owner of an object.
type Owner struct {
	Kind Kind
	// Reference is the owner in the status.
	Reference v1alpha1.Owner
	// Words is the owner in messages.
	Words string
}

func (h Owner) String() string { return h.Words }

// Of returns the owner of an object.
func Of(object metav1.Object) Owner {
	if h, found := kubeAPIServer(object); found {
		return h
	}
	if owner := object.GetLabels()[manifests.OwnerLabel]; owner != "" {
		return named(ExtensionAPI, v1alpha1.Owner{Kind: extensionAPIKind, Name: owner}, "ExtensionAPI %q", owner)
	}
	if uid := object.GetAnnotations()[manifests.UIDAnnotation]; uid != "" {
		return named(ExtensionAPI, v1alpha1.Owner{Kind: extensionAPIKind}, "the ExtensionAPI whose UID is %q", uid)
	}
	if h, found := MarkedOwner(object); found {
		return h
	}
	return LastWriter(object)
}

// Bounds on the text about an owner, in bytes: an annotation may have 256 KiB.
const (
	maxText = 512
	maxKind = 63
	maxName = 253
)

// Kinds of owners in the status that are not kinds of objects.
const (
	extensionAPIKind = "ExtensionAPI"
	kubernetesKind   = "Kubernetes"
	fieldManagerKind = "FieldManager"
	unknownKind      = "Unknown"
)

// named returns an owner with text from untrusted sources.
func named(kind Kind, reference v1alpha1.Owner, format string, args ...any) Owner {
	reference.Kind = excerpt.Of(cmp.Or(reference.Kind, unknownKind), maxKind)
	reference.Namespace = excerpt.Of(reference.Namespace, maxKind)
	reference.Name = excerpt.Of(reference.Name, maxName)
	return Owner{kind, reference, excerpt.Of(fmt.Sprintf(format, args...), maxText)}
}

// OfExtensionAPI returns an ExtensionAPI as the owner, with a description.
func OfExtensionAPI(name, words string) Owner {
	return named(ExtensionAPI, v1alpha1.Owner{Kind: extensionAPIKind, Name: name}, "ExtensionAPI %q, %s", name, words)
}

// OfDefinition returns a CustomResourceDefinition as the owner, with a description, which may be empty.
func OfDefinition(name, words string) Owner {
	const kind = "CustomResourceDefinition"
	return named(CustomResourceDefinition, v1alpha1.Owner{Kind: kind, Name: name}, "%s %q%s", kind, name, words)
}

// OfKubernetes returns kube-apiserver as the owner, with a description.
func OfKubernetes(kind Kind, words string) Owner {
	return named(kind, v1alpha1.Owner{Kind: kubernetesKind}, "%s", words)
}

// LastWriter returns the last writer of an object as its owner.
func LastWriter(object metav1.Object) Owner {
	if writer := lastWriter(object); writer != "" {
		return writtenBy(writer)
	}
	return named(Other, v1alpha1.Owner{}, "another owner")
}

func writtenBy(manager string) Owner {
	reference := v1alpha1.Owner{Kind: fieldManagerKind, Name: manager}
	return named(Other, reference, "another owner (last written by %q)", manager)
}

// lastWriter returns the field manager that last wrote the object, ignoring the operator and the status. Of the same
// second it is the last in the list, in which applied fields come first.
func lastWriter(object metav1.Object) string {
	var last metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource == "" && entry.Manager != FieldOwner && !entry.Time.Before(last.Time) {
			last = entry
		}
	}
	return last.Manager
}

// autoManagedLabel is on APIServices that kube-apiserver manages for CustomResourceDefinitions and built-in groups
// (kube-aggregator pkg/controllers/autoregister).
const autoManagedLabel = "kube-aggregator.kubernetes.io/automanaged"

// IsAutoManaged reports whether kube-apiserver itself manages the APIService.
func IsAutoManaged(object metav1.Object) bool { return object.GetLabels()[autoManagedLabel] != "" }

func kubeAPIServer(object metav1.Object) (h Owner, found bool) {
	switch object.GetLabels()[autoManagedLabel] {
	case "":
		return Owner{}, false
	case "onstart":
		return OfKubernetes(BuiltInGroup, "Kubernetes itself (a built-in group)"), true
	default:
		return OfKubernetes(Local, "Kubernetes itself (a CustomResourceDefinition that was just served)"), true
	}
}

// MarkedOwner returns the owner whose marks are on an object, and who therefore writes or deletes it, whatever other
// marks it has.
func MarkedOwner(object metav1.Object) (h Owner, found bool) {
	owner, labels, annotations := ownerOf(object), object.GetLabels(), object.GetAnnotations()
	release := annotations[helmRelease]
	switch {
	case labels[olmOwner] != "":
		return ofOLM(cmp.Or(labels[olmOwnerKind], clusterServiceVersion), labels[olmOwner]), true
	case owner != nil && owner.Kind == clusterServiceVersion:
		return ofOLM(owner.Kind, owner.Name), true
	case release != "":
		return ofHelm(annotations[helmNamespace], release), true
	case owner != nil:
		return named(Other, v1alpha1.Owner{Kind: owner.Kind, Name: owner.Name}, "%s %q", owner.Kind, owner.Name), true
	default:
		return Owner{}, false
	}
}

const clusterServiceVersion = "ClusterServiceVersion"

func ofOLM(kind, name string) Owner {
	return named(OLM, v1alpha1.Owner{Kind: kind, Name: name}, "the Operator Lifecycle Manager (%s %q)", kind, name)
}

func ofHelm(namespace, release string) Owner {
	return named(HelmRelease, v1alpha1.Owner{Kind: "HelmRelease", Namespace: namespace, Name: release},
		"Helm release %q", inNamespace(namespace, release))
}

// ownerOf returns the controller, or else the first owner reference, which the garbage collector also follows.
func ownerOf(object metav1.Object) *metav1.OwnerReference {
	owners := object.GetOwnerReferences()
	if controller := metav1.GetControllerOf(object); controller != nil || len(owners) == 0 {
		return controller
	}
	return &owners[0]
}

func inNamespace(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}
