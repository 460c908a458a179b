// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	apps "k8s.io/client-go/applyconfigurations/apps/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	meta "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// serviceAccountAnnotation is on the Pods. Their tokens are valid only for the ServiceAccount with this UID: if it is
// deleted and recreated, kube-apiserver no longer authenticates the Pods, and they must be replaced.
const serviceAccountAnnotation = "aggregation.extensionapi.dev/service-account-uid"

// Observed is what a Deployment depends on besides the ExtensionAPI.
type Observed struct {
	// ServiceAccount is the UID of the one that the operator creates, empty if the Pods run as another one.
	ServiceAccount types.UID
	// AssignsUsers reports whether the namespace has AssignedUsersAnnotation.
	AssignsUsers bool
	// Deployment is the current one, nil if there is none.
	Deployment *appsv1.Deployment
	// Storage is that of a server.
	Storage Storage
	// Images are those of what the operator runs for it.
	Images Images
}

// Deployment runs a workload.
func Deployment(
	extensionAPI *v1alpha1.ExtensionAPI, w Workload, observed Observed,
) (*apps.DeploymentApplyConfiguration, error) {
	template, err := podTemplate(w, observed)
	if err != nil {
		return nil, err
	}
	if observed.ServiceAccount != "" && w.ServiceAccountName() == w.Name {
		template.WithAnnotations(map[string]string{serviceAccountAnnotation: string(observed.ServiceAccount)})
	}
	if w.server != nil && w.server.Storage != nil && observed.Storage.Revision != "" {
		template.WithAnnotations(map[string]string{StorageRevisionAnnotation: observed.Storage.Revision})
	}
	deployment := apps.Deployment(w.Name, w.Namespace).
		WithLabels(workloadLabels(extensionAPI, w.Labels)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(w.rollout().
			WithReplicas(w.Replicas(observed.Deployment)).
			WithSelector(meta.LabelSelector().WithMatchLabels(w.Labels)).
			WithTemplate(template))
	if observed.Deployment != nil && w.isScaledByOthers() {
		// Replicas that were set meanwhile must not be reverted.
		deployment.WithResourceVersion(observed.Deployment.ResourceVersion)
	}
	return deployment, nil
}

// podTemplate returns the user's template with defaults.
func podTemplate(w Workload, observed Observed) (*core.PodTemplateSpecApplyConfiguration, error) {
	return applyTemplate(fillTemplate(w, observed))
}

func applyTemplate(template *corev1.PodTemplateSpec) (*core.PodTemplateSpecApplyConfiguration, error) {
	encoded, err := json.Marshal(template)
	if err != nil {
		return nil, err
	}
	result := &core.PodTemplateSpecApplyConfiguration{}
	return result, json.Unmarshal(encoded, result)
}
