// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/x509"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// maxExpiryWarning bounds how long before its expiry a certificate is warned of that somebody else has to renew.
const maxExpiryWarning = 30 * 24 * time.Hour

// certificateVerdict tells of the serving certificate first where it does harm, and then of a change under way.
func certificateVerdict(
	plan rotation.Plan, leaf *x509.Certificate, source certificateSource, now time.Time,
) verdict {
	switch {
	case leaf == nil:
		return bad(v1alpha1.ReasonRotating, "there is no serving certificate, so no new Pod can start; "+waitingFor(plan),
			working)
	case plan.Stuck:
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonRotationStuck, fmt.Sprintf("since %s %s; %s",
			timestamp(plan.Record.Since), waitingFor(plan), unstick[plan.Record.Phase]), stalled}
	case plan.Waiting != "":
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonRotating, waitingFor(plan), working}
	case source.secret == "":
		return good(v1alpha1.ReasonIssued, fmt.Sprintf("the serving certificate is valid until %s and will be renewed at %s",
			timestamp(leaf.NotAfter), timestamp(source.renewal(leaf))))
	case !now.Before(expiryWarning(leaf)):
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonExpiresSoon, fmt.Sprintf(
			"the certificate in Secret %s expires at %s and has not been renewed; put a new one there: when it has expired, "+
				"every request fails", source.secret, timestamp(leaf.NotAfter)), settled}
	default:
		return good(v1alpha1.ReasonUserProvided, fmt.Sprintf("the serving certificate, from Secret %s, is valid until %s",
			source.secret, timestamp(leaf.NotAfter)))
	}
}

func waitingFor(plan rotation.Plan) string {
	return fmt.Sprintf("waiting for %s; then %s", plan.Waiting, plan.Next)
}

// unstick says what somebody can do about a phase that does not end.
var unstick = map[rotation.Phase]string{
	rotation.PublishingTrust: "see Registered",
	rotation.AwaitingServed: "a server that does not read its certificate again has to be restarted: delete these Pods " +
		"one by one. Until then the old certificate stays trusted",
	rotation.DroppingTrust: "see Registered",
}

// withLastGood adds to what somebody else has to solve what is served meanwhile.
func withLastGood(problem verdict, serving pki.KeyPair, now time.Time) verdict {
	leaf := firstCertificate(serving)
	switch {
	case leaf == nil:
		problem.message += "; until then there is no serving certificate"
	case now.Before(leaf.NotAfter):
		problem.status = metav1.ConditionTrue
		problem.message += "; until then the last good certificate is served, valid until " + timestamp(leaf.NotAfter)
	default:
		problem.message += "; the last good certificate expired at " + timestamp(leaf.NotAfter) +
			", so every request fails"
	}
	return problem
}

func secretMissing(namespace, name string) verdict {
	return bad(v1alpha1.ReasonSecretNotFound, fmt.Sprintf(
		"Secret %s/%s does not exist; create it with tls.crt, tls.key and ca.crt", namespace, name), working)
}

func secretRefused(namespace, name string, cause error) verdict {
	return bad(v1alpha1.ReasonSecretRefused, fmt.Sprintf("Secret %s/%s is refused: %v", namespace, name, cause), stalled)
}

func caBundleVerdict(err error) verdict {
	if err != nil {
		return bad(v1alpha1.ReasonInvalidCABundle, fmt.Sprintf(
			"spec.service.caBundle cannot be used: %v; set it to the PEM certificate of the authority that issued the "+
				"server's certificate", err), stalled)
	}
	return good(v1alpha1.ReasonUserProvided, "the server is verified with spec.service.caBundle")
}

// expiryWarning is when it is time to warn of a certificate that somebody else should have renewed: a fifth of its life
// before its end, 30 days at most. cert-manager renews when a third is left.
func expiryWarning(leaf *x509.Certificate) time.Time {
	return leaf.NotAfter.Add(-min(leaf.NotAfter.Sub(leaf.NotBefore)/5, maxExpiryWarning))
}

// firstCertificate returns the serving certificate of a pair, nil when there is none that can be read.
func firstCertificate(pair pki.KeyPair) *x509.Certificate {
	certificates, err := cert.ParseCertsPEM(pair.Certificate)
	if err != nil {
		return nil
	}
	return certificates[0]
}

func timestamp(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }
