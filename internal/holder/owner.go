// SPDX-License-Identifier: Apache-2.0

package holder

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Owner is an ExtensionAPI, as the owner of what the operator has made for it.
type Owner struct {
	Name string
	// UID distinguishes it from an earlier ExtensionAPI of the same name.
	UID types.UID
	// Adopts reports whether it owns what an earlier one of the same name has left, too.
	Adopts bool
}

// OwnerOf returns the owner that an ExtensionAPI is.
func OwnerOf(extensionAPI *v1alpha1.ExtensionAPI) Owner {
	return Owner{
		Name:   extensionAPI.Name,
		UID:    extensionAPI.UID,
		Adopts: extensionAPI.Spec.AdoptionPolicy == v1alpha1.AdoptionAdopt,
	}
}

// Ownership is what the metadata of an object says of an owner.
type Ownership int

const (
	// NotOwned means that the object has another owner, or none.
	NotOwned Ownership = iota
	// Owned means that the object is the owner's.
	Owned
	// Orphaned means that it was made for an earlier ExtensionAPI of the same name, which was deleted and has left it.
	Orphaned
	// Adopted means that it was left so, and that the owner takes it over.
	Adopted
	// Unmarked means that nothing says any more whose it is, and that the operator has applied it once. It is the owner's
	// if it is where only the owner's objects are.
	Unmarked
)

// Ownership decides what an object is to the owner. Its UID annotation counts before its label, which anybody who has
// the same name shares; without the annotation, which charts before this one did not know, the label counts.
func (o Owner) Ownership(object metav1.Object) Ownership {
	name, uid := object.GetLabels()[manifests.OwnerLabel], object.GetAnnotations()[manifests.UIDAnnotation]
	switch {
	case IsAutoManaged(object):
		return NotOwned // kube-apiserver has taken it over with the marks on it
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

func (o Owner) ofNamesake(uid string) Ownership {
	switch {
	case uid == "":
		return Owned
	case o.Adopts:
		return Adopted
	default:
		return Orphaned
	}
}

// Owns reports whether an object of one of the owner's own names is the owner's.
func (o Owner) Owns(object metav1.Object) bool {
	switch o.Ownership(object) {
	case Owned, Adopted, Unmarked:
		return true
	default:
		return false
	}
}

// HolderOf names who has an object that is not the owner's.
func (o Owner) HolderOf(object metav1.Object) Holder {
	if o.Ownership(object) == Orphaned {
		return named(EarlierExtensionAPI, v1alpha1.Owner{Kind: extensionAPIKind, Name: o.Name},
			"an earlier ExtensionAPI %q, which was deleted and has left it", o.Name)
	}
	return Of(object)
}

// IsUnmarked reports whether nothing says whose an object is: no mark of an ExtensionAPI, and none of another owner.
func IsUnmarked(object metav1.Object) bool {
	_, marked := Marked(object)
	return !marked && object.GetLabels()[manifests.OwnerLabel] == "" &&
		object.GetAnnotations()[manifests.UIDAnnotation] == ""
}
