// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

// askLayer asks whether the aggregation layer is configured where nothing else explains more: before an APIService is
// created, and when kube-apiserver itself is refused by the server.
func (r *Reconciler) askLayer(ctx context.Context, s *scope, outcome *registrationOutcome) {
	creates := outcome.existing == nil && outcome.obstacle.reason == ""
	if !creates && !discovery.IsFrontProxyRefused(outcome.failedCheck()) {
		return
	}
	missing := r.Layer.Configuration(ctx).Missing
	if len(missing) == 0 {
		return
	}
	// Nothing tells when it changes.
	s.requeueAfter(aggregation.AskedAgainAfter)
	outcome.unconfigured = unconfigured(missing)
	if creates {
		outcome.obstacle = layerObstacle(outcome.unconfigured)
	}
}

// unconfigured says what the aggregation layer lacks, and what to do about it.
func unconfigured(missing []string) string {
	return fmt.Sprintf("the aggregation layer of this cluster is not configured: %s; set these flags on every "+
		"kube-apiserver, as told at https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer",
		strings.Join(missing, "; "))
}

func layerObstacle(unconfigured string) verdict {
	return bad(v1alpha1.ReasonAggregationLayerNotConfigured, fmt.Sprintf(
		"%s; it is not registered until then, since the server would refuse kube-apiserver's requests (401 or 403), and a "+
			"group-version that cannot be discovered blocks the deletion of every namespace; the operator looks again every %s",
		unconfigured, aggregation.AskedAgainAfter), stalled)
}
