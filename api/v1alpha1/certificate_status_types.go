// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CertificateStatus is the state of the serving certificate.
type CertificateStatus struct {
	// notAfter is when the serving certificate expires.
	// +required
	NotAfter metav1.Time `json:"notAfter,omitempty,omitzero"` //nolint:kubeapilinter // never left out

	// renewalTime is when the operator will renew it; absent if the operator does not issue it.
	// +optional
	RenewalTime *metav1.Time `json:"renewalTime,omitempty"`

	// caNotAfter is when the CA that issued it expires.
	// +optional
	CANotAfter *metav1.Time `json:"caNotAfter,omitempty"`

	// rotation is the change of certificates in progress; absent if there is none.
	// +optional
	Rotation *RotationStatus `json:"rotation,omitempty"`
}

// RotationPhase is what a change of certificates waits for.
// +kubebuilder:validation:Enum=PublishingTrust;AwaitingTrust;AwaitingServed;DroppingTrust
type RotationPhase string

const (
	// RotationPublishingTrust means that the new CA is being added to the caBundle of every APIService.
	RotationPublishingTrust RotationPhase = "PublishingTrust"
	// RotationAwaitingTrust means that every APIService has it; the operator waits for every kube-apiserver to load it.
	RotationAwaitingTrust RotationPhase = "AwaitingTrust"
	// RotationAwaitingServed means that the new serving certificate is in its Secret; the operator waits for every Pod to
	// serve it.
	RotationAwaitingServed RotationPhase = "AwaitingServed"
	// RotationDroppingTrust means that the old CA is being removed from the caBundle of every APIService.
	RotationDroppingTrust RotationPhase = "DroppingTrust"
)

// RotationStatus is the progress of a change of certificates. The steps are in the order of the phases.
type RotationStatus struct {
	// phase is what the rotation waits for.
	// +required
	Phase RotationPhase `json:"phase,omitempty"` //nolint:kubeapilinter // the step of a plan; conditions sum it up

	// since is when the phase began.
	// +required
	Since metav1.Time `json:"since,omitempty,omitzero"` //nolint:kubeapilinter // never left out

	// next is the next step, and its earliest time.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:MinLength=1
	Next string `json:"next,omitempty"`
}
