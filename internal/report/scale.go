// SPDX-License-Identifier: Apache-2.0

package report

import (
	"k8s.io/apimachinery/pkg/labels"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// describeScale fills in what the scale subresource reads.
func (r Reconciliation) describeScale(status *v1alpha1.ExtensionAPIStatus) {
	if r.Spec.Server == nil {
		return
	}
	status.Selector = labels.Set(manifests.ServerLabels(r.Name)).String()
	if server, known := r.Server.Get(); known {
		status.Replicas = new(int32(0))
		if server.Deployment != nil {
			*status.Replicas = server.Deployment.Status.Replicas
		}
	}
}
