// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Policy is whether the operator does something.
// +kubebuilder:validation:Enum=Enabled;Disabled
type Policy string

const (
	// PolicyEnabled means that the operator does it.
	PolicyEnabled Policy = "Enabled"
	// PolicyDisabled means that the operator does not do it, and undoes what it did before.
	PolicyDisabled Policy = "Disabled"
)

// EjectionStatus is the state of a replica that is running, but gets no requests.
// +kubebuilder:validation:MinProperties=1
type EjectionStatus struct {
	// since is when it was removed from the Service.
	// +optional
	Since metav1.Time `json:"since,omitempty,omitzero"` //nolint:kubeapilinter // its zero value is left out

	// message is why it was ejected.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:MinLength=1
	Message string `json:"message,omitempty"`
}
