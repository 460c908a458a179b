// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Identity is an ExtensionAPI, as the owner of the objects that the operator has created for it.
type Identity struct {
	Name string
	// UID distinguishes it from an earlier ExtensionAPI of the same name.
	UID types.UID
	// Adopts reports whether it also owns the objects that an earlier one of the same name has orphaned.
	Adopts bool
}

// IdentityOf returns the identity of an ExtensionAPI as an owner.
func IdentityOf(extensionAPI *v1alpha1.ExtensionAPI) Identity {
	return Identity{
		Name:   extensionAPI.Name,
		UID:    extensionAPI.UID,
		Adopts: extensionAPI.Spec.AdoptionPolicy == v1alpha1.AdoptionAdopt,
	}
}

// Ownership is the relation of an object to an owner, by its metadata.
type Ownership int

const (
	// NotOwned means that the object has another owner, or none.
	NotOwned Ownership = iota
	// Owned means that the object belongs to the owner.
	Owned
	// Orphaned means that it was created for an earlier ExtensionAPI of the same name, which was deleted and orphaned it.
	Orphaned
	// Adopted means that it is such an orphan, and that the owner adopts it.
	Adopted
	// Unmarked means that it has lost all marks of an owner, and that the operator has applied it before. It belongs to
	// the owner if only the owner's objects can be in its place.
	Unmarked
)

// Ownership returns the relation of an object to the owner. Its UID annotation takes precedence over its label, which
// all ExtensionAPIs of the same name share; without the annotation, which earlier charts did not set, the label counts.
func (o Identity) Ownership(object metav1.Object) Ownership {
	name, uid := object.GetLabels()[manifests.OwnerLabel], object.GetAnnotations()[manifests.UIDAnnotation]
	switch {
	case IsAutoManaged(object):
		return NotOwned // kube-apiserver has adopted it with the marks on it
	case uid != "" && uid == string(o.UID):
		return Owned
	case name != "" && name == o.Name:
		return o.ofNamesake(uid)
	case IsUnmarked(object) && AppliedByOperator(object):
		return Unmarked
	default:
		return NotOwned
	}
}

func (o Identity) ofNamesake(uid string) Ownership {
	switch {
	case uid == "":
		return Owned
	case o.Adopts:
		return Adopted
	default:
		return Orphaned
	}
}

// Owns reports whether an object with one of the owner's own names belongs to the owner.
func (o Identity) Owns(object metav1.Object) bool {
	switch o.Ownership(object) {
	case Owned, Adopted, Unmarked:
		return true
	default:
		return false
	}
}

// OwnerOf returns the owner of an object that does not belong to this ExtensionAPI.
func (o Identity) OwnerOf(object metav1.Object) Owner {
	if o.Ownership(object) == Orphaned {
		return named(EarlierExtensionAPI, v1alpha1.Owner{Kind: extensionAPIKind, Name: o.Name},
			"an earlier ExtensionAPI %q, which was deleted and orphaned it", o.Name)
	}
	return Of(object)
}

// IsUnmarked reports whether an object has no mark of an ExtensionAPI, and none of another owner.
func IsUnmarked(object metav1.Object) bool {
	_, marked := MarkedOwner(object)
	return !marked && object.GetLabels()[manifests.OwnerLabel] == "" &&
		object.GetAnnotations()[manifests.UIDAnnotation] == ""
}
