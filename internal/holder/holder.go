// SPDX-License-Identifier: Apache-2.0

// Package holder tells whose an object is, as far as its metadata says.
package holder

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Kind is who somebody is.
type Kind int

const (
	// Other is somebody who has left no name that is known here.
	Other Kind = iota
	// BuiltInGroup is kube-apiserver, for a group of its own.
	BuiltInGroup
	// Local is kube-apiserver, for whatever an APIService without a Service stands for.
	Local
	// CustomResourceDefinition is the definition that has a group-version.
	CustomResourceDefinition
	// HelmRelease is a release of Helm.
	HelmRelease
	// OLM is the Operator Lifecycle Manager.
	OLM
	// ExtensionAPI is another ExtensionAPI.
	ExtensionAPI
	// EarlierExtensionAPI is one of the same name, which was deleted.
	EarlierExtensionAPI
)

// FieldOwner is the field manager of everything the operator applies.
const FieldOwner = "extensionapi-operator"

// AppliedByOperator tells whether the operator has applied the object once. That stays in its managed fields, also when
// it was left to somebody else on purpose.
func AppliedByOperator(object metav1.Object) bool {
	return slices.ContainsFunc(object.GetManagedFields(), isOperators)
}

func isOperators(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == FieldOwner && entry.Operation == metav1.ManagedFieldsOperationApply
}

// Holder is who has an object.
type Holder struct {
	Kind Kind
	// Reference names the holder in status.
	Reference v1alpha1.Owner
	// Words name the holder in a sentence.
	Words string
}

func (h Holder) String() string { return h.Words }

// Of returns the owner of an object.
func Of(object metav1.Object) Holder {
	if h, found := kubeAPIServer(object); found {
		return h
	}
	if owner := object.GetLabels()[manifests.OwnerLabel]; owner != "" {
		return named(ExtensionAPI, v1alpha1.Owner{Kind: extensionAPIKind, Name: owner}, "ExtensionAPI %q", owner)
	}
	if uid := object.GetAnnotations()[manifests.UIDAnnotation]; uid != "" {
		return named(ExtensionAPI, v1alpha1.Owner{Kind: extensionAPIKind}, "the ExtensionAPI whose UID is %q", uid)
	}
	if h, found := Marked(object); found {
		return h
	}
	return Writer(object)
}

// Bounds of what is said of a holder, in bytes: an annotation may have 256 KiB.
const (
	maxWords = 512
	maxKind  = 63
	maxName  = 253
)

// Kinds of owners in status that are no kinds of objects.
const (
	extensionAPIKind = "ExtensionAPI"
	kubernetesKind   = "Kubernetes"
	fieldManagerKind = "FieldManager"
	unknownKind      = "Unknown"
)

// named names a holder with words that others have chosen.
func named(kind Kind, reference v1alpha1.Owner, format string, args ...any) Holder {
	reference.Kind = excerpt.Of(cmp.Or(reference.Kind, unknownKind), maxKind)
	reference.Namespace = excerpt.Of(reference.Namespace, maxKind)
	reference.Name = excerpt.Of(reference.Name, maxName)
	return Holder{kind, reference, excerpt.Of(fmt.Sprintf(format, args...), maxWords)}
}

// OfExtensionAPI names an ExtensionAPI with words about it.
func OfExtensionAPI(name, words string) Holder {
	return named(ExtensionAPI, v1alpha1.Owner{Kind: extensionAPIKind, Name: name}, "ExtensionAPI %q, %s", name, words)
}

// OfDefinition names a CustomResourceDefinition with words about it, which may be empty.
func OfDefinition(name, words string) Holder {
	const kind = "CustomResourceDefinition"
	return named(CustomResourceDefinition, v1alpha1.Owner{Kind: kind, Name: name}, "%s %q%s", kind, name, words)
}

// OfKubernetes names kube-apiserver, in words.
func OfKubernetes(kind Kind, words string) Holder {
	return named(kind, v1alpha1.Owner{Kind: kubernetesKind}, "%s", words)
}

// Writer is who wrote an object last.
func Writer(object metav1.Object) Holder {
	if writer := lastWriter(object); writer != "" {
		reference := v1alpha1.Owner{Kind: fieldManagerKind, Name: writer}
		return named(Other, reference, "another owner (last written by %q)", writer)
	}
	return named(Other, v1alpha1.Owner{}, "another owner")
}

// lastWriter is who, but for the operator, wrote the object last, status apart. Of the same second it is the last of
// the list, in which applied fields come first.
func lastWriter(object metav1.Object) string {
	var last metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource == "" && entry.Manager != FieldOwner && !entry.Time.Before(last.Time) {
			last = entry
		}
	}
	return last.Manager
}

// autoManagedLabel is on APIServices that kube-apiserver keeps for CustomResourceDefinitions and built-in groups
// (kube-aggregator pkg/controllers/autoregister).
const autoManagedLabel = "kube-aggregator.kubernetes.io/automanaged"

// IsAutoManaged tells whether kube-apiserver itself writes and deletes the APIService.
func IsAutoManaged(object metav1.Object) bool { return object.GetLabels()[autoManagedLabel] != "" }

func kubeAPIServer(object metav1.Object) (h Holder, found bool) {
	switch object.GetLabels()[autoManagedLabel] {
	case "":
		return Holder{}, false
	case "onstart":
		return OfKubernetes(BuiltInGroup, "Kubernetes itself (a built-in group)"), true
	default:
		return OfKubernetes(Local, "Kubernetes itself (a CustomResourceDefinition that it has just served)"), true
	}
}

// Marked tells by its marks who else writes an object or deletes it with what is theirs, whoever else has it.
func Marked(object metav1.Object) (h Holder, found bool) {
	owner, labels, annotations := ownerOf(object), object.GetLabels(), object.GetAnnotations()
	release := annotations[helmRelease]
	switch {
	case labels[olmOwner] != "":
		return byOLM(cmp.Or(labels[olmOwnerKind], clusterServiceVersion), labels[olmOwner]), true
	case owner != nil && owner.Kind == clusterServiceVersion:
		return byOLM(owner.Kind, owner.Name), true
	case release != "":
		return byHelm(annotations[helmNamespace], release), true
	case owner != nil:
		return named(Other, v1alpha1.Owner{Kind: owner.Kind, Name: owner.Name}, "%s %q", owner.Kind, owner.Name), true
	default:
		return Holder{}, false
	}
}

const clusterServiceVersion = "ClusterServiceVersion"

func byOLM(kind, name string) Holder {
	return named(OLM, v1alpha1.Owner{Kind: kind, Name: name}, "the Operator Lifecycle Manager (%s %q)", kind, name)
}

func byHelm(namespace, release string) Holder {
	return named(HelmRelease, v1alpha1.Owner{Kind: "HelmRelease", Namespace: namespace, Name: release},
		"Helm release %q", inNamespace(namespace, release))
}

// ownerOf is the controller, or else the first of those with which the garbage collector deletes the object.
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
