// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/x509"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// certificate is found of the certificates, and of a namespace that prevents them.
func (r Reconciliation) certificate() (found finding.Finding, recheck time.Duration) {
	if r.Spec.ExistingService != nil && !manifests.TrustsSource(r.ExtensionAPI) {
		_, err := pki.ParseBundle(r.Spec.ExistingService.CABundle, r.Now)
		return diagnosis.CABundle(err), 0
	}
	if namespace := diagnosis.Namespace(r.Snapshot); namespace.Found() {
		return namespace, 0
	}
	if !r.knowsCertificates() {
		return finding.Finding{}, 0
	}
	if r.Spec.ExistingService != nil {
		return r.trust(), 0
	}
	c, served := r.Plan.Certificates, r.served()
	if problem := r.certificateProblem(); problem.Found() {
		return diagnosis.WithLastGood(problem, served), 0
	}
	if r.Outcome.DryRun {
		return diagnosis.KeptCertificate(served, c.Source, r.Now), r.keptRecheck(served, c.Source)
	}
	return diagnosis.Certificate(*c.Rotation, served, c.Source, r.Now), 0
}

// trust is found of a CA bundle that another owner keeps.
func (r Reconciliation) trust() finding.Finding {
	c, read := r.Plan.Certificates, r.Certificates.Value().CABundle
	if problem := r.certificateProblem(); problem.Found() {
		return diagnosis.WithLastGoodBundle(problem, r.state().Bundle, r.Now)
	}
	if !r.Outcome.DryRun {
		return diagnosis.TrustedCAs(*c.Rotation, read)
	}
	kept := r.state().Bundle
	changes := !pki.ContainsAll(pki.Extend(nil, kept, r.Now), c.Source.Authorities) ||
		!pki.ContainsAll(c.Source.Authorities, pki.Extend(nil, kept, r.Now))
	found := diagnosis.KeptTrust(changes, read)
	if changes {
		return diagnosis.WithLastGoodBundle(found, kept, r.Now)
	}
	return found
}

// knowsCertificates reports whether there is something to report of them.
func (r Reconciliation) knowsCertificates() bool {
	c := r.Plan.Certificates
	return c != nil && r.Outcome.Failed.Certificates == nil &&
		(c.Rotation != nil || r.Outcome.DryRun || r.certificateProblem().Found())
}

// certificateProblem is what prevents a new certificate.
func (r Reconciliation) certificateProblem() finding.Finding {
	c := r.Plan.Certificates
	switch {
	case r.Outcome.Certificates.Found():
		return r.Outcome.Certificates
	case c.Problem.Found():
		return c.Problem
	case c.Rotation == nil && len(c.Handshakes) > 0 && !r.Outcome.DryRun:
		return finding.Bad(v1alpha1.ReasonRotating, "waiting for TLS handshakes with the replicas", finding.Working)
	default:
		return finding.Finding{}
	}
}

func (r Reconciliation) keptRecheck(served rotation.Served, source rotation.Source) time.Duration {
	if served.Leaf() == nil {
		return 0
	}
	return plan.Soonest(source.Due(served).Sub(r.Now), served.Until.Sub(r.Now))
}

// state is what is stored by now.
func (r Reconciliation) state() rotation.State {
	if r.Outcome.Stored {
		return r.Plan.Certificates.Rotation.State
	}
	state := r.Certificates.Value().Stored.State
	if len(state.Bundle) == 0 {
		state.Bundle = r.Trust()
	}
	return state
}

func (r Reconciliation) served() rotation.Served {
	return rotation.ServedFrom(r.state(), manifests.ServingHost(r.Backend), r.Now)
}

// describeCertificate is nil while there is no certificate that can be read.
func (r Reconciliation) describeCertificate() *v1alpha1.CertificateStatus {
	leaf := r.served().Leaf()
	if leaf == nil {
		return nil
	}
	described := &v1alpha1.CertificateStatus{NotAfter: metav1.NewTime(leaf.NotAfter)}
	if r.Outcome.Stored {
		described.Rotation = describeRotation(*r.Plan.Certificates.Rotation)
	}
	if renewal := r.Plan.Certificates.Source.Renewal; renewal != nil && !r.Outcome.DryRun {
		described.RenewalTime = new(metav1.NewTime(renewal(leaf)))
	}
	if authority := issuer(leaf, pki.Extend(nil, r.state().Bundle, r.Now)); authority != nil {
		described.CANotAfter = new(metav1.NewTime(authority.NotAfter))
	}
	return described
}

func describeRotation(next rotation.Plan) *v1alpha1.RotationStatus {
	if next.Waiting == "" {
		return nil
	}
	return &v1alpha1.RotationStatus{
		Phase: next.Record.Phase,
		Since: metav1.NewTime(next.Record.Since),
		Next:  next.Next,
	}
}

// issuer returns the CA that signed leaf itself, nil when there is an intermediate between.
func issuer(leaf *x509.Certificate, authorities []*x509.Certificate) *x509.Certificate {
	for _, authority := range authorities {
		if leaf.CheckSignatureFrom(authority) == nil {
			return authority
		}
	}
	return nil
}

func certificateIssued(s *snapshot.Snapshot, next rotation.Plan) finding.Note {
	served := rotation.ServedFrom(next.State, manifests.ServingHost(s.Backend), s.Now)
	return finding.NormalNote(v1alpha1.ReasonCertificateIssued, fmt.Sprintf(
		"Issued a new serving certificate, valid until %s: %s", pki.Timestamp(served.Until), next.Replaced), nil)
}
