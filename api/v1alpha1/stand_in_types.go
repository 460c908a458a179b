// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// StandInPolicy is whether the operator serves discovery while no replica of the server answers.
// +kubebuilder:validation:Enum=Automatic;Never
type StandInPolicy string

const (
	// StandInAutomatic serves the discovery of group-versions none of whose resources can be deleted.
	StandInAutomatic StandInPolicy = "Automatic"
	// StandInNever leaves discovery to the server.
	StandInNever StandInPolicy = "Never"
)

// StandInStatus is what the operator's stand-in did in place of the server.
// +kubebuilder:validation:MinProperties=1
type StandInStatus struct {
	// since is when the stand-in began to serve discovery; absent while the server does.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`

	// until is when the stand-in last ended; absent before that.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`

	// switches is how often the stand-in began with less than an hour between two times. With each one, the pause before
	// the next doubles: from 10 seconds up to 10 minutes.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Switches int32 `json:"switches,omitempty"`

	// message is why the stand-in ended before the server answered, empty if it did not.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:MinLength=1
	Message string `json:"message,omitempty"`
}
