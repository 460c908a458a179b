// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patchUnlessChanged changes an object unless somebody else has changed or deleted it since it was read; that brings
// another reconciliation.
func (r *Reconciler) patchUnlessChanged(ctx context.Context, object client.Object, change func()) (bool, error) {
	before, _ := object.DeepCopyObject().(client.Object)
	change()
	err := r.Client.Patch(ctx, object, optimisticMergeFrom(before))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return false, nil
	}
	return err == nil, err
}

func optimisticMergeFrom(before client.Object) client.Patch {
	return client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
}
