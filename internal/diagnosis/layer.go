// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"strings"
	"time"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// LayerRecheck is the time between two looks at an aggregation layer that is not configured: nothing reports it.
const LayerRecheck = 10 * time.Second

const layerRemedy = "Set these flags on every kube-apiserver, see " +
	"https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer"

// LayerNotConfigured is why nothing is registered while the aggregation layer lacks something.
func LayerNotConfigured(missing []string) finding.Finding {
	return finding.Bad(v1alpha1.ReasonAggregationLayerNotConfigured, layerMessage(missing)+"; checked again every "+
		LayerRecheck.String(), finding.Stalled).
		Affecting("It is not registered: the server would refuse kube-apiserver's requests (401 or 403), and a " +
			"group-version that cannot be discovered blocks the deletion of every namespace").
		Advising(layerRemedy)
}

func layerMessage(missing []string) string {
	return fmt.Sprintf("the aggregation layer of this cluster is not configured: %s", strings.Join(missing, "; "))
}

// RefusesKubeAPIServer reports whether the server refuses kube-apiserver.
func RefusesKubeAPIServer(existing *apiregistrationv1.APIService) bool {
	return discovery.IsKubeAPIServerRefused(snapshot.FailedCheck(existing))
}

// isExplainedByLayer reports whether the server refuses kube-apiserver since the aggregation layer is not configured.
func isExplainedByLayer(s *snapshot.Snapshot, existing *apiregistrationv1.APIService) bool {
	return len(s.Layer.Missing) > 0 && RefusesKubeAPIServer(existing)
}
