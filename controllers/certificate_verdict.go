// SPDX-License-Identifier: Apache-2.0

package controllers

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

// certificateVerdict tells of the serving certificate first where it does harm, and then of a change under way.
func certificateVerdict(plan rotation.Plan, served served, source certificateSource, now time.Time) finding.Finding {
	switch {
	case served.leaf() == nil:
		return finding.Bad(v1alpha1.ReasonRotating,
			"there is no serving certificate, so no new Pod can start; "+waitingFor(plan),
			finding.Working)
	case plan.Stuck:
		return finding.True(v1alpha1.ReasonRotationStuck, fmt.Sprintf("since %s %s; %s",
			pki.Timestamp(plan.Record.Since), waitingFor(plan), unstick[plan.Record.Phase]), finding.Stalled)
	case plan.Waiting != "":
		return finding.True(v1alpha1.ReasonRotating, waitingFor(plan), finding.Working)
	case source.pending != "":
		return finding.True(v1alpha1.ReasonRotating, source.pending, finding.Working)
	case source.secret == "":
		return finding.Good(v1alpha1.ReasonIssued,
			fmt.Sprintf("the serving certificate is valid until %s and will be renewed at %s",
				pki.Timestamp(served.until), pki.Timestamp(source.renewal(served.leaf()))))
	case !now.Before(served.warning()):
		return finding.True(v1alpha1.ReasonExpiresSoon, fmt.Sprintf(
			"the certificate in Secret %s, or an authority above it, expires at %s and has not been renewed; %s: when it has "+
				"expired, every request fails", source.secret, pki.Timestamp(served.until), source.renew), finding.Settled)
	default:
		return finding.Good(v1alpha1.ReasonUserProvided,
			fmt.Sprintf("the serving certificate, from Secret %s, is valid until %s",
				source.secret, pki.Timestamp(served.until)))
	}
}

func waitingFor(plan rotation.Plan) string {
	return fmt.Sprintf("waiting for %s; then %s", plan.Waiting, plan.Next)
}

// unstick says what somebody can do about a phase that does not end.
var unstick = map[rotation.Phase]string{
	v1alpha1.RotationPublishingTrust: "see Registered",
	v1alpha1.RotationAwaitingServed: "a server that does not read its certificate again has to be restarted: delete " +
		"these Pods one by one, before the certificate that they serve expires. Until then the old authority stays trusted",
	v1alpha1.RotationDroppingTrust: "see Registered",
}

// withLastGood adds to what stands in the way of a new certificate what is served meanwhile.
func withLastGood(problem finding.Finding, served served) finding.Finding {
	switch {
	case served.leaf() == nil:
		problem.Message += "; until then there is no serving certificate"
	case served.until.IsZero():
		problem.Message += "; what is served meanwhile has expired or is not trusted, so requests fail"
	default:
		problem.Status = metav1.ConditionTrue
		problem.Message += "; until then the last good certificate is served, valid until " + pki.Timestamp(served.until)
	}
	return problem
}

func secretMissing(namespace, name string) finding.Finding {
	return finding.Bad(v1alpha1.ReasonSecretNotFound, fmt.Sprintf(
		"Secret %s/%s does not exist; create it with tls.crt, tls.key and ca.crt", namespace, name), finding.Working)
}

func secretRefused(namespace, name string, cause error) finding.Finding {
	return finding.Bad(v1alpha1.ReasonSecretRefused, fmt.Sprintf(
		"Secret %s/%s is refused: %s", namespace, name, excerpt.Quote(cause.Error())), finding.Stalled)
}

func caBundleVerdict(err error) finding.Finding {
	if err != nil {
		return finding.Bad(v1alpha1.ReasonInvalidCABundle, fmt.Sprintf(
			"spec.existingService.caBundle cannot be used: %s; set it to the PEM certificate of the authority that issued the "+
				"server's certificate", excerpt.Quote(err.Error())), finding.Stalled)
	}
	return finding.Good(v1alpha1.ReasonUserProvided, "the server is verified with spec.existingService.caBundle")
}
