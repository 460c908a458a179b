// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Workload is a Deployment with its ServiceAccount and PodDisruptionBudget, which have its name. The server of an
// ExtensionAPI is one.
type Workload struct {
	types.NamespacedName
	// Labels select its Pods.
	Labels map[string]string
}

// ServerOf is the workload of spec.server.
func ServerOf(extensionAPI *v1alpha1.ExtensionAPI) Workload {
	return Workload{
		types.NamespacedName{Namespace: extensionAPI.Spec.Server.Namespace, Name: extensionAPI.Name},
		ServerLabels(extensionAPI.Name),
	}
}
