// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
)

// unconfigured says what the aggregation layer lacks and what to do about it, and is empty when nothing is known to be
// missing. It is asked only where nothing else explains more: just before an APIService is created, and when
// kube-apiserver itself is refused by the server.
func (r *Reconciler) unconfigured(ctx context.Context, s *scope) string {
	missing := r.Layer.Configuration(ctx).Missing
	if len(missing) == 0 {
		return ""
	}
	// Nothing tells when it changes.
	s.requeueAfter(aggregation.AskedAgainAfter)
	return describeMissing(missing)
}

func describeMissing(missing []string) string {
	return fmt.Sprintf("the aggregation layer of this cluster is not configured: %s; set these flags on every "+
		"kube-apiserver, as told at https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer",
		strings.Join(missing, "; "))
}

func layerObstacle(missing string) verdict {
	return bad(v1alpha1.ReasonAggregationLayerNotConfigured, fmt.Sprintf(
		"%s; it is not registered until then, since the server would refuse kube-apiserver's requests (401 or 403), and a "+
			"group-version that cannot be discovered blocks the deletion of every namespace; the operator looks again every %s",
		missing, aggregation.AskedAgainAfter), stalled)
}
