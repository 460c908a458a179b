// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/client-go/util/cert"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/report"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// reconcileCertificates goes one step further towards the wanted serving certificate, and finds the bundle to trust.
func (r *Reconciler) reconcileCertificates(ctx context.Context, s *scope) error {
	if s.Spec.ExistingService != nil {
		trustCABundle(s, r.Clock.Now())
		return nil
	}
	stored, err := r.readCertificates(ctx, s)
	if err != nil {
		return errors.Join(err, r.trustRegistered(ctx, s))
	}
	s.trust = stored.Bundle
	if s.namespace != namespaceActive {
		// The Secrets that others keep are gone, or will be.
		s.Status.Certificate = nil
		r.Secrets.Forget(s.Name)
		return nil
	}
	if s.outOfReach {
		r.Secrets.Forget(s.Name)
		return nil
	}
	source, problem, err := r.certificateSource(ctx, s, stored)
	if err != nil {
		return err
	}
	if problem.Code != "" {
		r.keepLastGood(s, stored, source, problem)
		return nil
	}
	if s.isSuspended() {
		return r.keepCertificates(ctx, s, stored, source)
	}
	return r.rotate(ctx, s, stored, source)
}

// trustRegistered takes what the APIServices trust for a bundle that is lost, or cannot be read: requests are verified
// so. Nothing is taken where they trust nothing.
func (r *Reconciler) trustRegistered(ctx context.Context, s *scope) error {
	registered, err := r.ownAPIServices(ctx, r.Client, s)
	if err != nil {
		return err
	}
	authorities := pki.Extend(nil, slices.Concat(caBundles(registered)...), r.Clock.Now())
	if len(authorities) > 0 {
		s.trust, err = cert.EncodeCertificates(authorities...)
	}
	return err
}

// caBundles are those of the APIServices, in the order of their names, so that what is made of them is the same each
// time.
func caBundles(registered map[string]*apiregistrationv1.APIService) [][]byte {
	var bundles [][]byte
	for _, name := range slices.Sorted(maps.Keys(registered)) {
		bundles = append(bundles, registered[name].Spec.CABundle)
	}
	return bundles
}

// rotate stores what can be stored now, and tells what is waited for.
func (r *Reconciler) rotate(ctx context.Context, s *scope, stored storedCertificates, source certificateSource) error {
	seen, awaited, err := r.seen(ctx, s)
	if err != nil {
		return err
	}
	plan, err := rotation.Next(stored.State, source.Wanted, seen, r.Clock.Now())
	if err != nil {
		return err
	}
	if awaited() {
		r.awaitHandshakes(s, stored, source)
		return nil
	}
	if err := r.storeCertificates(ctx, s, stored, source.signer, plan.State); err != nil {
		return r.tellUnstored(s, stored, source, err)
	}
	s.trust = plan.Bundle
	served := r.describeCertificate(s, plan, source)
	s.conclude(v1alpha1.ConditionCertificatesReady, certificateVerdict(plan, served, source, r.Clock.Now()))
	if plan.Replaced != "" {
		s.notes = append(s.notes, report.Normal(v1alpha1.ReasonCertificateIssued, fmt.Sprintf(
			"there is a new serving certificate, valid until %s: %s", pki.Timestamp(served.until), plan.Replaced), nil))
	}
	if plan.CheckAfter > 0 {
		s.requeueAfter(plan.CheckAfter)
	}
	return nil
}

// awaitHandshakes changes nothing before it is known what the Pods serve; that wakes the reconciler.
func (r *Reconciler) awaitHandshakes(s *scope, stored storedCertificates, source certificateSource) {
	r.keepLastGood(s, stored, source, finding.Bad(v1alpha1.ReasonRotating,
		"waiting for handshakes with the Pods", finding.Working))
}

// tellUnstored tells that the API server refused a Secret; any other error is returned.
func (r *Reconciler) tellUnstored(s *scope, stored storedCertificates, source certificateSource, err error) error {
	refusal, refused := s.refusal(err)
	if !refused {
		return err
	}
	r.keepLastGood(s, stored, source, refusal)
	return nil
}

// keepLastGood tells what stands in the way of a new certificate, and what is served meanwhile.
func (r *Reconciler) keepLastGood(
	s *scope, stored storedCertificates, source certificateSource, problem finding.Finding,
) {
	served := r.describeCertificate(s, rotation.Plan{State: stored.State}, source)
	s.conclude(v1alpha1.ConditionCertificatesReady, withLastGood(problem, served))
}

// trustCABundle takes the bundle of an existing backend from the spec.
func trustCABundle(s *scope, now time.Time) {
	_, err := pki.ParseBundle(s.Spec.ExistingService.CABundle, now)
	s.conclude(v1alpha1.ConditionCertificatesReady, caBundleVerdict(err))
	if err == nil {
		s.trust = s.Spec.ExistingService.CABundle
	}
}
