// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Delete deletes the object if it carries this owner label value, and tells whether it is gone. It reads around the
// cache: what has only just been created must not be missed. A Deployment goes after its Pods.
func (a *Applier) Delete(
	ctx context.Context, kind schema.GroupVersionKind, key client.ObjectKey, owner string,
) (gone bool, err error) {
	object, err := a.getOwned(ctx, kind, key, owner)
	if object == nil || err != nil {
		return err == nil, err
	}
	if object.GetDeletionTimestamp() == nil {
		if a.withheld != nil {
			a.withheld.add("the deletion of " + nameOf(kind.Kind, key))
			return false, nil
		}
		policy := metav1.DeletePropagationBackground
		if kind.Kind == "Deployment" {
			policy = metav1.DeletePropagationForeground
		}
		if err := a.delete(ctx, object, policy); err != nil {
			return false, err
		}
	}
	object, err = a.getOwned(ctx, kind, key, owner)
	return object == nil && err == nil, err
}

func (a *Applier) delete(ctx context.Context, object client.Object, policy metav1.DeletionPropagation) error {
	err := a.client.Delete(ctx, object, client.Preconditions{UID: new(object.GetUID())}, client.PropagationPolicy(policy))
	return client.IgnoreNotFound(err)
}

// getOwned returns the object, nil when there is none or it is not this owner's.
func (a *Applier) getOwned(
	ctx context.Context, kind schema.GroupVersionKind, key client.ObjectKey, owner string,
) (client.Object, error) {
	object := prototype(kind)
	err := a.live.Get(ctx, key, object)
	// There is nothing of a kind that the cluster does not know.
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) || (err == nil && object.GetLabels()[a.ownerLabel] != owner) {
		a.forget(objectID{kind, key})
		return nil, nil
	}
	return object, err
}
