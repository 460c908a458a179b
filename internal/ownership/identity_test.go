// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// object has the marks of an ExtensionAPI of this name and UID, where they are not empty.
func object(name string, uid types.UID, marks ...func(*metav1.ObjectMeta)) *metav1.ObjectMeta {
	result := &metav1.ObjectMeta{}
	if name != "" {
		metav1.SetMetaDataLabel(result, manifests.OwnerLabel, name)
	}
	if uid != "" {
		metav1.SetMetaDataAnnotation(result, manifests.UIDAnnotation, string(uid))
	}
	for _, mark := range marks {
		mark(result)
	}
	return result
}

func applied(object *metav1.ObjectMeta) {
	object.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: FieldOwner, Operation: metav1.ManagedFieldsOperationApply},
	}
}

func markedByHelm(object *metav1.ObjectMeta) {
	metav1.SetMetaDataAnnotation(object, helmRelease, "shop")
}

func autoManaged(object *metav1.ObjectMeta) {
	metav1.SetMetaDataLabel(object, autoManagedLabel, "true")
}

func TestOwnershipIsByUIDThenByName(t *testing.T) {
	for _, test := range []struct {
		what   string
		object *metav1.ObjectMeta
		want   Ownership
	}{
		{"with both marks", object("shop", "now"), Owned},
		{"without the label", object("", "now"), Owned},
		{"without the label, and marked by Helm", object("", "now", markedByHelm), Owned},
		{"with another's label", object("other", "now"), Owned},
		{"of a chart without UIDs", object("shop", ""), Owned},
		{"of an earlier one", object("shop", "before"), Orphaned},
		{"of an earlier one, without the label", object("", "before", applied), NotOwned},
		{"of another one", object("other", "another"), NotOwned},
		{"of another one, by an earlier chart", object("other", ""), NotOwned},
		{"without marks", object("", "", applied), Unmarked},
		{"without marks, which the operator has not applied", object("", ""), NotOwned},
		{"without marks, but for Helm's", object("", "", applied, markedByHelm), NotOwned},
		{"adopted by kube-apiserver", object("shop", "now", autoManaged), NotOwned},
	} {
		owner := Identity{Name: "shop", UID: "now"}
		if got := owner.Ownership(test.object); got != test.want {
			t.Errorf("an object %s is %d to the owner, want %d", test.what, got, test.want)
		}
		want := test.want
		if want == Orphaned {
			want = Adopted
		}
		owner.Adopts = true
		if got := owner.Ownership(test.object); got != want {
			t.Errorf("an object %s is %d to the adopting owner, want %d", test.what, got, want)
		}
	}
}

func TestOwnerWithoutANameOwnsNoUnmarkedObject(t *testing.T) {
	if got := (Identity{}).Ownership(object("", "")); got != NotOwned {
		t.Errorf("it is %d", got)
	}
}

func TestHolderOfAnOrphanIsItsFormerOwner(t *testing.T) {
	owner := Identity{Name: "shop", UID: "now"}
	for want, object := range map[string]*metav1.ObjectMeta{
		`an earlier ExtensionAPI "shop", which was deleted and orphaned it`: object("shop", "before"),
		`ExtensionAPI "other"`:                 object("other", "another"),
		`the ExtensionAPI whose UID is "lost"`: object("", "lost"),
	} {
		if got := owner.OwnerOf(object); got.Words != want {
			t.Errorf("it belongs to %s, want %s", got, want)
		}
	}
}
