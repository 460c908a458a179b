// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/util/intstr"
)

// DisruptionBudget is the PodDisruptionBudget of a server. If neither minAvailable nor maxUnavailable is set, one Pod at
// a time may be evicted.
// +kubebuilder:validation:XValidation:rule="!has(self.minAvailable) || !has(self.maxUnavailable)",message="spec.server.disruptionBudget: set minAvailable or maxUnavailable, not both"
// +kubebuilder:validation:MinProperties=1
type DisruptionBudget struct {
	// policy Enabled creates a PodDisruptionBudget; Disabled creates none and deletes an earlier one, for users who create
	// their own. Defaults to Enabled.
	// +optional
	// +kubebuilder:default=Enabled
	Policy Policy `json:"policy,omitempty"`

	// minAvailable is how many Pods a node drain must leave available: a number up to 100, or a percentage such as 50%. As
	// many as spec.server.replicas block every drain.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:XValidation:rule="type(self) == string ? self.matches('^(100|[0-9]{1,2})%$') : self >= 0 && self <= 100",message="spec.server.disruptionBudget.minAvailable must be a number from 0 to 100, or a percentage from 0% to 100%"
	MinAvailable *intstr.IntOrString `json:"minAvailable,omitempty"`

	// maxUnavailable is how many Pods a node drain may make unavailable at the same time: a number up to 100, or a
	// percentage such as 50%. 0 blocks every drain.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:XValidation:rule="type(self) == string ? self.matches('^(100|[0-9]{1,2})%$') : self >= 0 && self <= 100",message="spec.server.disruptionBudget.maxUnavailable must be a number from 0 to 100, or a percentage from 0% to 100%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}
