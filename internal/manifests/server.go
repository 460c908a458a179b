// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"

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

// Deployment runs the server. serviceAccount is the UID of the ServiceAccount that the operator creates, empty if the
// server runs as another one. assignsUsers reports whether the namespace has AssignedUsersAnnotation.
func Deployment(
	extensionAPI *v1alpha1.ExtensionAPI, serviceAccount types.UID, assignsUsers bool,
) (*apps.DeploymentApplyConfiguration, error) {
	template, err := podTemplate(extensionAPI, assignsUsers)
	if err != nil {
		return nil, err
	}
	if serviceAccount != "" && ServiceAccountName(extensionAPI) == extensionAPI.Name {
		template.WithAnnotations(map[string]string{serviceAccountAnnotation: string(serviceAccount)})
	}
	return apps.Deployment(extensionAPI.Name, extensionAPI.Spec.Server.Namespace).
		WithLabels(componentLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(rollout(extensionAPI.Spec.Server).
			WithReplicas(Replicas(extensionAPI)).
			WithSelector(meta.LabelSelector().WithMatchLabels(ServerLabels(extensionAPI.Name))).
			WithTemplate(template)), nil
}

// Replicas returns the wanted number of Pods.
func Replicas(extensionAPI *v1alpha1.ExtensionAPI) int32 {
	return ptr.Deref(extensionAPI.Spec.Server.Replicas, v1alpha1.DefaultReplicas)
}

// podTemplate returns the user's template with defaults.
func podTemplate(
	extensionAPI *v1alpha1.ExtensionAPI, assignsUsers bool,
) (*core.PodTemplateSpecApplyConfiguration, error) {
	filled := fillTemplate(extensionAPI, assignsUsers)
	encoded, err := json.Marshal(filled)
	if err != nil {
		return nil, err
	}
	result := &core.PodTemplateSpecApplyConfiguration{}
	return result, json.Unmarshal(encoded, result)
}
