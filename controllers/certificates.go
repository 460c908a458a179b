// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// reconcileCertificates goes one step further towards the wanted serving certificate, and finds the bundle to trust.
func (r *Reconciler) reconcileCertificates(ctx context.Context, s *scope) error {
	if s.Spec.Service != nil {
		trustCABundle(s, r.Clock.Now())
		return nil
	}
	stored, err := r.readCertificates(ctx, s)
	if err != nil {
		return err
	}
	s.trust = stored.Bundle
	if s.namespace != namespaceActive {
		return nil
	}
	source, problem, err := r.certificateSource(ctx, s, stored)
	if err != nil {
		return err
	}
	if problem.reason != "" {
		s.conclude(v1alpha1.ConditionCertificatesReady, withLastGood(problem, stored.Serving, r.Clock.Now()))
		r.describeCertificate(s, rotation.Plan{State: stored.State}, source)
		return nil
	}
	return r.rotate(ctx, s, stored, source)
}

// rotate stores what can be stored now, and tells what is waited for.
func (r *Reconciler) rotate(ctx context.Context, s *scope, stored storedCertificates, source certificateSource) error {
	seen, err := r.seen(ctx, s)
	if err != nil {
		return err
	}
	plan, err := rotation.Next(stored.State, source.Wanted, seen, r.Clock.Now())
	if err != nil {
		return err
	}
	if err := r.storeCertificates(ctx, s, source.signer, plan.State); err != nil {
		return s.refuse(v1alpha1.ConditionCertificatesReady, err)
	}
	s.trust = plan.Bundle
	leaf := r.describeCertificate(s, plan, source)
	s.conclude(v1alpha1.ConditionCertificatesReady, certificateVerdict(plan, leaf, source, r.Clock.Now()))
	if plan.Replaced != "" {
		s.notes = append(s.notes, note{corev1.EventTypeNormal, "CertificateIssued", fmt.Sprintf(
			"replaced the serving certificate by one valid until %s: %s", timestamp(leaf.NotAfter), plan.Replaced)})
	}
	if plan.CheckAfter > 0 {
		s.requeueAfter(plan.CheckAfter)
	}
	return nil
}

// trustCABundle takes the bundle of an existing backend from the spec.
func trustCABundle(s *scope, now time.Time) {
	_, err := pki.ParseBundle(s.Spec.Service.CABundle, now)
	s.conclude(v1alpha1.ConditionCertificatesReady, caBundleVerdict(err))
	if err == nil {
		s.trust = s.Spec.Service.CABundle
	}
}
