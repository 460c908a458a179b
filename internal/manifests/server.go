// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	apps "k8s.io/client-go/applyconfigurations/apps/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	meta "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// serviceAccountAnnotation is on the Pods. Their tokens are valid only for the ServiceAccount with this UID: if it is
// deleted and recreated, kube-apiserver no longer authenticates the Pods, and they must be replaced.
const serviceAccountAnnotation = "aggregation.extensionapi.dev/service-account-uid"

// Observed is what a Deployment depends on besides the ExtensionAPI.
type Observed struct {
	// ServiceAccount is the UID of the one that the operator creates, empty if the server runs as another one.
	ServiceAccount types.UID
	// AssignsUsers reports whether the namespace has AssignedUsersAnnotation.
	AssignsUsers bool
	// Deployment is the current one, nil if there is none.
	Deployment *appsv1.Deployment
}

// Deployment runs the server.
func Deployment(
	extensionAPI *v1alpha1.ExtensionAPI, observed Observed,
) (*apps.DeploymentApplyConfiguration, error) {
	template, err := podTemplate(extensionAPI, observed)
	if err != nil {
		return nil, err
	}
	if observed.ServiceAccount != "" && ServiceAccountName(extensionAPI) == extensionAPI.Name {
		template.WithAnnotations(map[string]string{serviceAccountAnnotation: string(observed.ServiceAccount)})
	}
	deployment := apps.Deployment(extensionAPI.Name, extensionAPI.Spec.Server.Namespace).
		WithLabels(componentLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(rollout(extensionAPI.Spec.Server).
			WithReplicas(Replicas(extensionAPI, observed.Deployment)).
			WithSelector(meta.LabelSelector().WithMatchLabels(ServerLabels(extensionAPI.Name))).
			WithTemplate(template))
	if observed.Deployment != nil && isScaledByOthers(extensionAPI) {
		// Replicas that were set meanwhile must not be reverted.
		deployment.WithResourceVersion(observed.Deployment.ResourceVersion)
	}
	return deployment, nil
}

// Replicas returns the wanted number of Pods. current is the Deployment, nil if there is none.
func Replicas(extensionAPI *v1alpha1.ExtensionAPI, current *appsv1.Deployment) int32 {
	declared := ptr.Deref(extensionAPI.Spec.Server.Replicas, v1alpha1.DefaultReplicas)
	if current == nil || !isScaledByOthers(extensionAPI) {
		return declared
	}
	return ptr.Deref(current.Spec.Replicas, declared)
}

func isScaledByOthers(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return extensionAPI.Spec.Server.ScaleTarget == v1alpha1.ScaleTargetDeployment
}

// podTemplate returns the user's template with defaults.
func podTemplate(
	extensionAPI *v1alpha1.ExtensionAPI, observed Observed,
) (*core.PodTemplateSpecApplyConfiguration, error) {
	filled := fillTemplate(extensionAPI, observed)
	encoded, err := json.Marshal(filled)
	if err != nil {
		return nil, err
	}
	result := &core.PodTemplateSpecApplyConfiguration{}
	return result, json.Unmarshal(encoded, result)
}
