// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OutlierEjection says what happens to a replica that answers discovery badly while another one answers well.
// +kubebuilder:validation:Enum=Enabled;Disabled
type OutlierEjection string

const (
	// OutlierEjectionEnabled takes the replica out of the Service until it has recovered.
	OutlierEjectionEnabled OutlierEjection = "Enabled"
	// OutlierEjectionDisabled only tells of it.
	OutlierEjectionDisabled OutlierEjection = "Disabled"
)

// EjectionStatus tells of a replica that runs, but gets no requests.
// +kubebuilder:validation:MinProperties=1
type EjectionStatus struct {
	// since is when it was taken out of the Service.
	// +optional
	Since metav1.Time `json:"since,omitempty,omitzero"` //nolint:kubeapilinter // its zero value is left out

	// message says what it answered.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:MinLength=1
	Message string `json:"message,omitempty"`
}
