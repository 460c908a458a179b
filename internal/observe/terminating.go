// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// terminating reads the namespaces that are being deleted and still there for a reason, as the cache's own.
func (o *Observer) terminating(ctx context.Context) snapshot.Known[[]corev1.Namespace] {
	list := &corev1.NamespaceList{}
	err := o.Client.List(ctx, list, client.MatchingFields{terminatingIndex: isTerminating}, client.UnsafeDisableDeepCopy)
	return snapshot.Of(list.Items, err)
}
