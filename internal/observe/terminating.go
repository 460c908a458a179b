// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/terminating"
)

// The index of the namespaces that are being deleted and still there for a reason: a reconciliation must not walk
// through all namespaces of the cluster.
const (
	terminatingIndex = "terminating"
	isTerminating    = "true"
)

// IndexNamespaces adds the index to the cache, before it is started.
func IndexNamespaces(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &corev1.Namespace{}, terminatingIndex, func(object client.Object) []string {
		if namespace, _ := object.(*corev1.Namespace); len(terminating.Obstacles(namespace)) > 0 {
			return []string{isTerminating}
		}
		return nil
	})
}

// terminating reads the namespaces that are being deleted and still there for a reason, as the cache's own.
func (o *Observer) terminating(ctx context.Context) snapshot.Known[[]corev1.Namespace] {
	list := &corev1.NamespaceList{}
	err := o.Client.List(ctx, list, client.MatchingFields{terminatingIndex: isTerminating}, client.UnsafeDisableDeepCopy)
	return snapshot.Of(list.Items, err)
}
