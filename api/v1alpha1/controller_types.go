// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Controller is a controller of the API, in a Deployment of its own beside the server. It is started when every
// group-version is available, and stopped before the API is unregistered.
// +kubebuilder:validation:XValidation:rule="has(self.template) != has(self.deploymentRef)",message="spec.controllers[]: set exactly one of template (the operator runs the controller) and deploymentRef (it is deployed otherwise)"
// +kubebuilder:validation:XValidation:rule="!has(self.deploymentRef) || !has(self.strategy) && !has(self.serviceAccount)",message="spec.controllers[]: strategy and serviceAccount are for a controller that the operator runs: remove them, or set template instead of deploymentRef"
// +kubebuilder:validation:XValidation:rule="!has(self.template) || !has(self.template.metadata) || !has(self.template.metadata.labels) || ['app.kubernetes.io/component', 'aggregation.extensionapi.dev/extensionapi', 'aggregation.extensionapi.dev/serving'].all(l, !(l in self.template.metadata.labels))",message="spec.controllers[].template.metadata.labels must not hold app.kubernetes.io/component, aggregation.extensionapi.dev/extensionapi or aggregation.extensionapi.dev/serving: the operator sets them"
// +kubebuilder:validation:XValidation:rule="!has(self.template) || has(self.template.spec) && self.template.spec.containers.size() > 0 && self.template.spec.containers.all(c, has(c.image) && c.image.size() > 0)",message="spec.controllers[].template.spec.containers must hold a container, and each needs an image"
// +kubebuilder:validation:XValidation:rule="!has(self.template) || !has(self.template.spec) || !has(self.template.spec.restartPolicy) || self.template.spec.restartPolicy == 'Always'",message="spec.controllers[].template.spec.restartPolicy must be Always or left out: the controller runs in a Deployment"
type Controller struct {
	// name of the controller. Deployment, ServiceAccount and PodDisruptionBudget are named after the ExtensionAPI and it:
	// <ExtensionAPI>-<name>, together at most 46 characters, for the same reason as the name of the ExtensionAPI.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=44
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="spec.controllers[].name must be a DNS label (a-z, 0-9, -)"
	Name string `json:"name,omitempty"`

	// replicas is the number of Pods, 0 to 100; defaults to 1. More than one takes leader election, for which the operator
	// grants the permissions. 0 stops the controller.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// strategy is how a rollout replaces Pods. If it is not set, a rollout starts a new Pod before it stops an old one. A
	// controller without leader election needs type Recreate.
	// +optional
	Strategy *Strategy `json:"strategy,omitempty"`

	// securityDefaults is what the operator fills in of the security contexts that the template leaves out, as for the
	// server. Defaults to Restricted.
	// +optional
	// +kubebuilder:default=Restricted
	SecurityDefaults SecurityDefaults `json:"securityDefaults,omitempty"`

	// serviceAccount adds annotations to the ServiceAccount that the operator creates. It must not be set if the template
	// names another one.
	// +optional
	ServiceAccount *ServerAccount `json:"serviceAccount,omitempty"`

	// template is a Pod template as in a Deployment. The Pods run as ServiceAccount <ExtensionAPI>-<name>, which the
	// operator creates, unless the template names another one. Exactly one of template and deploymentRef must be set.
	// +optional
	Template corev1.PodTemplateSpec `json:"template,omitempty,omitzero"` //nolint:kubeapilinter // rules check it

	// deploymentRef references the Deployment of a controller that is deployed otherwise. The operator reports its state,
	// and changes nothing: it neither starts nor stops it, and replicas do not apply to it.
	// +optional
	DeploymentRef *ControllerDeployment `json:"deploymentRef,omitempty"`
}

// ControllerDeployment references a Deployment in the namespace of the server.
type ControllerDeployment struct {
	// name of the Deployment.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="spec.controllers[].deploymentRef.name must be the name of a Deployment: lower-case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`
}

// ControllerStatus is the state of one controller.
type ControllerStatus struct {
	// name of the controller, as in spec.controllers.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=44
	Name string `json:"name,omitempty"`

	// available is whether at least one replica is available; Unknown while that is not known.
	// +required
	// +kubebuilder:validation:Enum="True";"False";Unknown
	Available metav1.ConditionStatus `json:"available,omitempty"`

	// reason is that of the condition ControllersAvailable if there were no other controller.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`

	// readyReplicas is the number of ready Pods; absent while there is no Deployment.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ReadyReplicas *int32 `json:"readyReplicas,omitempty"`
}
