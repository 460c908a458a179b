// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Delete deletes the object if it carries this owner label value, its dependents first, and tells whether it is gone.
// It reads around the cache: what has only just been created must not be missed.
func (a *Applier) Delete(
	ctx context.Context, kind schema.GroupVersionKind, key client.ObjectKey, owner string,
) (gone bool, err error) {
	object := prototype(kind)
	err = a.live.Get(ctx, key, object)
	if apierrors.IsNotFound(err) || (err == nil && object.GetLabels()[a.ownerLabel] != owner) {
		a.forget(objectID{kind, key})
		return true, nil
	}
	if err != nil || object.GetDeletionTimestamp() != nil {
		return false, err
	}
	err = a.client.Delete(ctx, object,
		client.Preconditions{UID: ptr.To(object.GetUID())}, client.PropagationPolicy(metav1.DeletePropagationForeground))
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return false, err
}

func (a *Applier) forget(id objectID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.applied, id)
}
