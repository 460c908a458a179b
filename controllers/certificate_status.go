// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/x509"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// describeCertificate fills in the status, asks for a reconciliation at the next moment at which something
// changes by itself, and returns what is served.
func (r *Reconciler) describeCertificate(s *scope, plan rotation.Plan, source certificateSource) served {
	now := r.Clock.Now()
	served := servedOf(plan.State, servingNames(s)[0], now)
	leaf := served.leaf()
	if leaf == nil {
		s.Status.Certificate = nil
		return served
	}
	told := &v1alpha1.CertificateStatus{NotAfter: metav1.NewTime(leaf.NotAfter), Rotation: describeRotation(plan)}
	if source.renewal != nil {
		told.RenewalTime = new(metav1.NewTime(source.renewal(leaf)))
	}
	if authority := issuer(leaf, pki.Extend(nil, plan.Bundle, now)); authority != nil {
		told.CANotAfter = new(metav1.NewTime(authority.NotAfter))
	}
	s.Status.Certificate = told
	if source.changes != nil {
		if delay := source.changes(served).Sub(now); delay > 0 {
			s.requeueAfter(delay)
		}
	}
	return served
}

func describeRotation(plan rotation.Plan) *v1alpha1.RotationStatus {
	if plan.Waiting == "" {
		return nil
	}
	return &v1alpha1.RotationStatus{
		Phase: plan.Record.Phase,
		Since: metav1.NewTime(plan.Record.Since),
		Next:  plan.Next,
	}
}

// issuer returns the authority that signed leaf itself, nil when there is an intermediate between.
func issuer(leaf *x509.Certificate, authorities []*x509.Certificate) *x509.Certificate {
	for _, authority := range authorities {
		if leaf.CheckSignatureFrom(authority) == nil {
			return authority
		}
	}
	return nil
}
