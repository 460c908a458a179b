// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

const requestsFail = "When it has expired, every request fails"

// Certificate reports the serving certificate first where it does harm, and then a rotation in progress.
func Certificate(plan rotation.Plan, served rotation.Served, source rotation.Source, now time.Time) finding.Finding {
	switch {
	case served.Leaf() == nil:
		return finding.Bad(v1alpha1.ReasonRotating, "there is no serving certificate; "+waitingFor(plan), finding.Working).
			Affecting("No new Pod can start")
	case plan.Stuck:
		return finding.True(v1alpha1.ReasonRotationStuck, fmt.Sprintf("since %s, %s",
			pki.Timestamp(plan.Record.Since), waitingFor(plan)), finding.Stalled).
			Alarming().Advising(unstick[plan.Record.Phase])
	case plan.Waiting != "":
		return finding.True(v1alpha1.ReasonRotating, waitingFor(plan), finding.Working)
	case source.Pending != "":
		return finding.True(v1alpha1.ReasonRotating, source.Pending, finding.Working)
	case source.Secret == "":
		return finding.Good(v1alpha1.ReasonIssued,
			fmt.Sprintf("the serving certificate is valid until %s and will be renewed at %s",
				pki.Timestamp(served.Until), pki.Timestamp(source.Renewal(served.Leaf()))))
	case !now.Before(served.Warning()):
		return finding.True(v1alpha1.ReasonExpiresSoon, fmt.Sprintf(
			"the certificate in Secret %s, or a CA above it, expires at %s and has not been renewed", source.Secret,
			pki.Timestamp(served.Until)), finding.Settled).
			Alarming().Affecting(requestsFail).Advising(source.Renew)
	default:
		return finding.Good(v1alpha1.ReasonUserProvided,
			fmt.Sprintf("the serving certificate, from Secret %s, is valid until %s",
				source.Secret, pki.Timestamp(served.Until)))
	}
}

func waitingFor(plan rotation.Plan) string {
	return fmt.Sprintf("waiting for %s; then %s", plan.Waiting, plan.Next)
}

// unstick is what a user can do about a phase that does not complete.
var unstick = map[rotation.Phase]string{
	v1alpha1.RotationPublishingTrust: "See Registered",
	v1alpha1.RotationAwaitingServed: "A server that does not reload its certificate has to be restarted: delete these " +
		"Pods one by one, before the certificate that they serve expires; until then the old CA stays trusted",
	v1alpha1.RotationDroppingTrust: "See Registered",
}

// KeptCertificate reports how long the stored certificate lasts, which is not replaced while spec.suspend is true.
func KeptCertificate(served rotation.Served, source rotation.Source, now time.Time) finding.Finding {
	until := pki.Timestamp(served.Until)
	const notRenewed = "is not renewed while spec.suspend is true"
	switch {
	case served.Until.IsZero() || source.Replace != "" && now.Before(source.Due(served)):
		evidence := "nothing is replaced until spec.suspend is false"
		if source.Replace != "" {
			evidence += ", although " + source.Replace
		}
		return WithLastGood(finding.Bad(v1alpha1.ReasonSuspended, evidence, finding.Settled), served)
	case !now.Before(source.Due(served)):
		return finding.True(v1alpha1.ReasonExpiresSoon, fmt.Sprintf(
			"the serving certificate, or a CA above it, expires at %s and %s", until, notRenewed), finding.Settled).
			Alarming().Affecting(requestsFail).Advising("Set spec.suspend to false")
	case source.Secret == "":
		return finding.Good(v1alpha1.ReasonIssued,
			fmt.Sprintf("the serving certificate is valid until %s; it %s", until, notRenewed))
	default:
		return finding.Good(v1alpha1.ReasonUserProvided, fmt.Sprintf(
			"the serving certificate, from Secret %s, is valid until %s; it %s", source.Secret, until, notRenewed))
	}
}

// WithLastGood adds to what prevents a new certificate what is served meanwhile.
func WithLastGood(problem finding.Finding, served rotation.Served) finding.Finding {
	switch {
	case served.Leaf() == nil:
		return problem.Affecting("Until then there is no serving certificate, and no new Pod can start")
	case served.Until.IsZero():
		return problem.Affecting("The certificate that is served meanwhile has expired or is not trusted, so requests fail")
	default:
		problem.Status = metav1.ConditionTrue
		return problem.Affecting("The last good certificate stays in use, valid until " + pki.Timestamp(served.Until))
	}
}

// SecretNotFound is found of a certificate that another owner is to provide.
func SecretNotFound(namespace, name string) finding.Finding {
	return finding.Bad(v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %s/%s does not exist", namespace, name),
		finding.Working).Alarming().Advising("Create it with tls.crt, tls.key and ca.crt")
}

// SecretRefused is found of a certificate that cannot be served.
func SecretRefused(namespace, name string, cause error) finding.Finding {
	return finding.Bad(v1alpha1.ReasonInvalidCertificate, fmt.Sprintf("the certificate in Secret %s/%s is rejected: %s",
		namespace, name, excerpt.Quote(cause.Error())), finding.Stalled).Alarming()
}

// CertManagerDisabled is found where the operator may not use cert-manager.
func CertManagerDisabled() finding.Finding {
	return finding.Bad(v1alpha1.ReasonCertManagerDisabled,
		"the operator is installed without permission to request certificates from cert-manager", finding.Stalled).
		Alarming().
		Advising("Set the value certManager.enabled of its Helm chart to true, or choose another source in " +
			"spec.server.certificates")
}

// CertManagerMissing is found where the cluster does not know cert-manager's Certificates.
func CertManagerMissing() finding.Finding {
	return finding.Bad(v1alpha1.ReasonCertManagerMissing,
		"cert-manager is not installed: the cluster does not know its Certificates", finding.Working).
		Alarming().Advising("Install it, or choose another source in spec.server.certificates")
}

// CertificateNotApplied is found where cert-manager's Certificate could not be applied.
func CertificateNotApplied(cause error) finding.Finding {
	return finding.Bad(v1alpha1.ReasonRejected, fmt.Sprintf(
		"cert-manager's Certificate cannot be applied: %s", excerpt.Quote(cause.Error())), finding.Working).
		Alarming().Advising("Check whether cert-manager's webhook answers; retrying")
}
