// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"strings"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// MissingConfiguration says what the aggregation layer lacks, and what to do about it.
func MissingConfiguration(missing []string) string {
	return fmt.Sprintf("the aggregation layer of this cluster is not configured: %s; set these flags on every "+
		"kube-apiserver, as told at https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer",
		strings.Join(missing, "; "))
}

// LayerNotConfigured is why nothing is registered while that is missing.
func LayerNotConfigured(missing string, lookAgain time.Duration) finding.Finding {
	return finding.Bad(v1alpha1.ReasonAggregationLayerNotConfigured, fmt.Sprintf(
		"%s; it is not registered until then, since the server would refuse kube-apiserver's requests (401 or 403), and a "+
			"group-version that cannot be discovered blocks the deletion of every namespace; the operator looks again every %s",
		missing, lookAgain), finding.Stalled)
}
