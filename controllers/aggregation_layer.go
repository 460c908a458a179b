// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// configurationAge is how old what is known of the aggregation layer may be when something is registered.
const configurationAge = time.Minute

// unconfigured says what the aggregation layer lacks and what to do about it, and is empty when nothing is known to be
// missing. It is asked only where nothing else explains more: just before an APIService is created, and when
// kube-apiserver itself is refused by the server.
func (r *Reconciler) unconfigured(s *scope) (missing string, known bool) {
	configuration, ended := r.Configurations.Last(s.Name, "", aggregation.AskedAgainAfter, r.Layer.Configuration)
	if r.Clock.Since(ended) > configurationAge {
		return "", false
	}
	if len(configuration.Missing) == 0 {
		return "", true
	}
	// Nothing tells when it changes.
	s.requeueAfter(aggregation.AskedAgainAfter)
	return describeMissing(configuration.Missing), true
}

func describeMissing(missing []string) string {
	return fmt.Sprintf("the aggregation layer of this cluster is not configured: %s; set these flags on every "+
		"kube-apiserver, as told at https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer",
		strings.Join(missing, "; "))
}

func layerObstacle(missing string) finding.Finding {
	return finding.Bad(v1alpha1.ReasonAggregationLayerNotConfigured, fmt.Sprintf(
		"%s; it is not registered until then, since the server would refuse kube-apiserver's requests (401 or 403), and a "+
			"group-version that cannot be discovered blocks the deletion of every namespace; the operator looks again every %s",
		missing, aggregation.AskedAgainAfter), finding.Stalled)
}
