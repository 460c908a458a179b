// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// SecurityDefaults is what is filled in of the security contexts of a template.
// +kubebuilder:validation:Enum=Restricted;None
type SecurityDefaults string

const (
	// SecurityDefaultsRestricted fills in what Pod Security "restricted" requires, unless the template runs as root.
	SecurityDefaultsRestricted SecurityDefaults = "Restricted"
	// SecurityDefaultsNone fills in nothing.
	SecurityDefaultsNone SecurityDefaults = "None"
)

// ScaleTarget is the object whose replicas count.
// +kubebuilder:validation:Enum=ExtensionAPI;Deployment
type ScaleTarget string

const (
	// ScaleTargetExtensionAPI means that the Deployment follows spec.server.replicas.
	ScaleTargetExtensionAPI ScaleTarget = "ExtensionAPI"
	// ScaleTargetDeployment means that the Deployment is created with spec.server.replicas, and scaled by others.
	ScaleTargetDeployment ScaleTarget = "Deployment"
)

// Strategy is how a rollout replaces Pods, as in a Deployment.
// +kubebuilder:validation:XValidation:rule="self.type == 'RollingUpdate' || !has(self.rollingUpdate)",message="strategy.rollingUpdate must not be set with type Recreate: that stops all Pods before it starts new ones"
// +kubebuilder:validation:MinProperties=1
type Strategy struct {
	// type is RollingUpdate or Recreate; defaults to RollingUpdate. Recreate stops all Pods before it starts new ones: in
	// every rollout of a server the API is unavailable meanwhile, and no namespace of the cluster can be deleted.
	// +optional
	// +kubebuilder:default=RollingUpdate
	// +kubebuilder:validation:Enum=RollingUpdate;Recreate
	Type appsv1.DeploymentStrategyType `json:"type,omitempty"`

	// rollingUpdate is how many Pods are replaced at a time.
	// +optional
	RollingUpdate *RollingUpdate `json:"rollingUpdate,omitempty"`
}

// RollingUpdate is how many Pods a rollout adds and removes at a time.
// +kubebuilder:validation:XValidation:rule="!has(self.maxSurge) || !has(self.maxUnavailable) || ![self.maxSurge, self.maxUnavailable].all(n, n == 0 || n == '0%')",message="strategy.rollingUpdate: maxSurge and maxUnavailable must not both be 0: no Pod could be replaced"
// +kubebuilder:validation:MinProperties=1
type RollingUpdate struct {
	// maxSurge is how many Pods there may be in addition to the replicas: a number up to 100, or a percentage of them such
	// as 50%, rounded up. Defaults to 1; to 0 where a second Pod cannot start beside the first one, see
	// spec.server.strategy.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 && self <= 100 : self.matches('^(100|[1-9]?[0-9])%$')",message="strategy.rollingUpdate.maxSurge must be a number from 0 to 100, or a percentage from 0% to 100%"
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`

	// maxUnavailable is how many of the replicas may be unavailable: a number up to 100, or a percentage of them such as
	// 50%, rounded down. Defaults to 0; to 1 where maxSurge is 0.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 && self <= 100 : self.matches('^(100|[1-9]?[0-9])%$')",message="strategy.rollingUpdate.maxUnavailable must be a number from 0 to 100, or a percentage from 0% to 100%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}
