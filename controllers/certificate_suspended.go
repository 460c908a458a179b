// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// keepCertificates tells of the stored certificates while the ExtensionAPI is suspended. No plan is made: each time it
// would hold another new certificate.
func (r *Reconciler) keepCertificates(
	ctx context.Context, s *scope, stored storedCertificates, source certificateSource,
) error {
	if len(stored.Bundle) == 0 {
		if err := r.trustRegistered(ctx, s); err != nil {
			return err
		}
		stored.Bundle = s.trust
	}
	if err := r.storeCertificates(ctx, s, stored, stored.signer, stored.State); err != nil {
		return r.tellUnstored(s, stored, source, err)
	}
	if err := r.withholdCertificates(s, stored, source); err != nil {
		return err
	}
	now, nobodyRenews := r.Clock.Now(), source
	nobodyRenews.renewal = nil
	served := r.describeCertificate(s, rotation.Plan{State: stored.State}, nobodyRenews)
	s.conclude(v1alpha1.ConditionCertificatesReady, keptCertificateVerdict(served, source, now))
	if served.leaf() == nil {
		return nil
	}
	for _, moment := range []time.Time{source.due(served), served.until} {
		if delay := moment.Sub(now); delay > 0 {
			s.requeueAfter(delay)
		}
	}
	return nil
}

// withholdCertificates notes which Secrets would get other content, now or at the end of a rotation.
func (r *Reconciler) withholdCertificates(s *scope, stored storedCertificates, source certificateSource) error {
	bundle, err := cert.EncodeCertificates(source.Authorities...)
	if source.Replace != "" {
		s.withheld.Add("Secret", client.ObjectKey{
			Namespace: s.Spec.Server.Namespace, Name: manifests.ServingSecretName(s.Name),
		})
	}
	if !bytes.Equal(bundle, stored.Bundle) {
		s.withheld.Add("Secret", client.ObjectKey{
			Namespace: r.OperatorNamespace, Name: manifests.TrustSecretName(s.Name),
		})
	}
	return err
}

// due is when a certificate that nobody renews is told of: when it would have been renewed, or is near its end.
func (source certificateSource) due(served served) time.Time {
	due := served.warning()
	if source.renewal == nil {
		return due
	}
	if renewal := source.renewal(served.leaf()); renewal.Before(due) {
		return renewal
	}
	return due
}

// keptCertificateVerdict tells how long the stored certificate lasts, which nobody replaces.
func keptCertificateVerdict(served served, source certificateSource, now time.Time) finding.Finding {
	until := pki.Timestamp(served.until)
	const notRenewed = "is not renewed while spec.suspend is true"
	switch {
	case served.until.IsZero() || source.Replace != "" && now.Before(source.due(served)):
		waits := "nothing is replaced until spec.suspend is false"
		if source.Replace != "" {
			waits += ", although " + source.Replace
		}
		return withLastGood(finding.Bad(v1alpha1.ReasonSuspended, waits, finding.Settled), served)
	case !now.Before(source.due(served)):
		return finding.True(v1alpha1.ReasonExpiresSoon, fmt.Sprintf(
			"the serving certificate, or an authority above it, expires at %s and %s; set it to false: when it has expired, "+
				"every request fails", until, notRenewed), finding.Settled)
	case source.secret == "":
		return finding.Good(v1alpha1.ReasonIssued,
			fmt.Sprintf("the serving certificate is valid until %s; it %s", until, notRenewed))
	default:
		return finding.Good(v1alpha1.ReasonUserProvided, fmt.Sprintf(
			"the serving certificate, from Secret %s, is valid until %s; it %s", source.secret, until, notRenewed))
	}
}
