// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CertificateStatus tells of the serving certificate.
type CertificateStatus struct {
	// notAfter is when the serving certificate expires.
	// +required
	NotAfter metav1.Time `json:"notAfter,omitempty,omitzero"` //nolint:kubeapilinter // never left out

	// renewalTime is when the operator will renew it; absent where somebody else renews it.
	// +optional
	RenewalTime *metav1.Time `json:"renewalTime,omitempty"`

	// caNotAfter is when the certificate authority that issued it expires.
	// +optional
	CANotAfter *metav1.Time `json:"caNotAfter,omitempty"`

	// rotation tells of a change that is under way; absent when there is none.
	// +optional
	Rotation *RotationStatus `json:"rotation,omitempty"`
}

// RotationPhase is what a change of certificates waits for.
// +kubebuilder:validation:Enum=PublishingTrust;AwaitingTrust;AwaitingServed;DroppingTrust
type RotationPhase string

const (
	// RotationPublishingTrust means that the new authority is being added to the caBundle of every APIService.
	RotationPublishingTrust RotationPhase = "PublishingTrust"
	// RotationAwaitingTrust means that every APIService has it; every kube-apiserver is given the time to load it.
	RotationAwaitingTrust RotationPhase = "AwaitingTrust"
	// RotationAwaitingServed means that the new serving certificate is in its Secret; every Pod must be seen to serve it.
	RotationAwaitingServed RotationPhase = "AwaitingServed"
	// RotationDroppingTrust means that the old authority is being taken out of the caBundle of every APIService.
	RotationDroppingTrust RotationPhase = "DroppingTrust"
)

// RotationStatus tells how far a change of certificates has come. The steps follow in the order of the phases.
type RotationStatus struct {
	// phase is what is waited for.
	// +required
	Phase RotationPhase `json:"phase,omitempty"` //nolint:kubeapilinter // the step of a plan; conditions sum it up

	// since when it is waited for.
	// +required
	Since metav1.Time `json:"since,omitempty,omitzero"` //nolint:kubeapilinter // never left out

	// next is what comes next, and when at the earliest.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:MinLength=1
	Next string `json:"next,omitempty"`
}
