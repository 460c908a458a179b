// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"cmp"
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
)

// Delete deletes the object if it belongs to the owner, and reports whether it is gone. It bypasses the cache, so as
// not to miss an object that has just been created. A Deployment is gone after its Pods.
func (a *Applier) Delete(
	ctx context.Context, kind schema.GroupVersionKind, key client.ObjectKey,
) (gone bool, err error) {
	object := inventory.KindOf(kind).New()
	err = a.live.Get(ctx, key, object)
	// A kind that the cluster does not serve has no objects.
	if apierrors.IsNotFound(err) || (err == nil && !a.owner.Owns(object)) {
		a.forget(objectID{kind, key})
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return a.DeleteObserved(ctx, object)
}

// DeleteObserved deletes an object that was observed to belong to the owner, even if it has lost marks since, and
// reports whether it is gone.
func (a *Applier) DeleteObserved(ctx context.Context, object client.Object) (gone bool, err error) {
	kind, err := a.client.GroupVersionKindFor(object)
	if err != nil {
		return false, err
	}
	key := client.ObjectKeyFromObject(object)
	if object.GetDeletionTimestamp() == nil {
		if a.withheld != nil {
			a.withheld.add("the deletion of " + nameOf(kind.Kind, key))
			return false, nil
		}
		policy := cmp.Or(inventory.KindOf(kind).Propagation, metav1.DeletePropagationBackground)
		if err := a.delete(ctx, object, policy); err != nil {
			return false, err
		}
	}
	left := inventory.KindOf(kind).New()
	err = a.live.Get(ctx, key, left)
	if apierrors.IsNotFound(err) || err == nil && left.GetUID() != object.GetUID() {
		a.forget(objectID{kind, key})
		return true, nil
	}
	return false, err
}

// delete deletes an object as it was observed; an APIService only if nothing of it has changed since, as another owner
// may have adopted it in place. That is a conflict otherwise.
func (a *Applier) delete(ctx context.Context, object client.Object, policy metav1.DeletionPropagation) error {
	preconditions := client.Preconditions{UID: new(object.GetUID())}
	if kind, err := a.client.GroupVersionKindFor(object); err == nil && contended[kind.Kind] {
		preconditions.ResourceVersion = new(object.GetResourceVersion())
	}
	err := a.client.Delete(ctx, object, preconditions, client.PropagationPolicy(policy))
	return client.IgnoreNotFound(err)
}
