// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// fact is what a phase finds out, for those that come after it.
type fact string

const (
	claimsKnown       fact = "claims"
	namespaceKnown    fact = "namespace"
	endpointsKnown    fact = "endpoints"
	registrationKnown fact = "registration"
)

// phase is a step of a reconciliation.
type phase struct {
	run func(context.Context, *scope) error
	// needs are the facts without which the phase would take what is not known for something else. It is left out then.
	needs []fact
	// finds is what is known once it has run without an error, empty when nothing rests on it.
	finds fact
}

// phases are in the order of a server's life.
func (r *Reconciler) phases() []phase {
	return []phase{
		{run: r.reconcileClaims, finds: claimsKnown},
		{run: r.reconcileNamespace, finds: namespaceKnown},
		{run: r.reconcileCertificates, needs: []fact{namespaceKnown}},
		{run: r.reconcileServer, needs: []fact{namespaceKnown}},
		{run: r.reconcileEndpoints, needs: []fact{namespaceKnown}, finds: endpointsKnown},
		{run: r.reconcileRegistration, needs: []fact{claimsKnown, namespaceKnown}, finds: registrationKnown},
		{run: r.reconcileDiscovery, needs: []fact{endpointsKnown, registrationKnown}},
		{run: r.reconcileEjection, needs: []fact{endpointsKnown, registrationKnown}},
	}
}

// runPhases runs every phase that rests on nothing but what is known, also after others have failed: a Secret that
// cannot be read ends no probes, and keeps no bad replica from being ejected. A refusal that a user can do something
// about is no error but a finding.
func (r *Reconciler) runPhases(ctx context.Context, s *scope) error {
	var errs []error
	for _, p := range r.phases() {
		if !s.known.HasAll(p.needs...) {
			continue
		}
		err := s.tolerateConflicts(p.run(ctx, s))
		errs = append(errs, err)
		if err == nil && p.finds != "" {
			s.known.Insert(p.finds)
		}
	}
	return errors.Join(errs...)
}

// tolerateConflicts returns an error without its conflicts, and has the ExtensionAPI reconciled again after one: an
// object was read from an outdated cache. The event that brings the cache up to date brings the next reconciliation.
func (s *scope) tolerateConflicts(err error) error {
	joined, isJoined := err.(interface{ Unwrap() []error })
	if !isJoined {
		if apierrors.IsConflict(err) {
			s.requeueAfter(conflictRetry)
			return nil
		}
		return err
	}
	var errs []error
	for _, each := range joined.Unwrap() {
		errs = append(errs, s.tolerateConflicts(each))
	}
	return errors.Join(errs...)
}
