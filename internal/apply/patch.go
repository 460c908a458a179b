// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch applies change to an object of another owner, and reports whether it did. It does not if another client has
// changed or deleted the object since it was read; that triggers another reconciliation.
func (a *Applier) Patch(ctx context.Context, object client.Object, change func()) (done bool, err error) {
	if a.withheld != nil {
		kind, err := a.client.GroupVersionKindFor(object)
		a.withheld.Add(kind.Kind, client.ObjectKeyFromObject(object))
		return false, err
	}
	before, _ := object.DeepCopyObject().(client.Object)
	change()
	err = a.client.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return false, nil
	}
	return err == nil, err
}
