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
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// CABundle is found of spec.existingService.caBundle, which err says cannot be used.
func CABundle(err error) finding.Finding {
	if err != nil {
		return finding.Bad(v1alpha1.ReasonInvalidCABundle, fmt.Sprintf(
			"spec.existingService.caBundle cannot be used: %s", excerpt.Quote(err.Error())), finding.Stalled).
			Advising("Set it to the PEM certificate of the CA that issued the server's certificate")
	}
	return finding.Good(v1alpha1.ReasonUserProvided, "the server is verified with spec.existingService.caBundle")
}

// CABundleMissing is found where there is no value that spec.existingService.caBundleFrom references.
func CABundleMissing(read snapshot.CABundle) finding.Finding {
	const advice = "Create it, or correct spec.existingService.caBundleFrom"
	switch {
	case read.Unreadable.Found():
		return read.Unreadable.Alarming()
	case !read.Exists:
		return finding.Bad(v1alpha1.ReasonCABundleNotFound, fmt.Sprintf("%s does not exist", read.Source),
			finding.Working).Alarming().Advising(advice)
	case !read.HasKey:
		return finding.Bad(v1alpha1.ReasonCABundleNotFound, fmt.Sprintf("%s has no key %s", read.Source, read.Key),
			finding.Working).Alarming().Advising(advice)
	default:
		return finding.Finding{}
	}
}

// CABundleRefused is found of a value that cannot be used.
func CABundleRefused(read snapshot.CABundle, cause error) finding.Finding {
	return finding.Bad(v1alpha1.ReasonInvalidCABundle, fmt.Sprintf("the CA bundle in %s cannot be used: %s",
		valueOf(read), excerpt.Quote(cause.Error())), finding.Stalled).Alarming().
		Advising("Put the PEM certificate of the CA there that issued the server's certificate")
}

// valueOf names the value that is read.
func valueOf(read snapshot.CABundle) string {
	if read.Key == "" {
		return read.Source.String()
	}
	return fmt.Sprintf("%s, key %s", read.Source, read.Key)
}

// WithLastGoodBundle adds to what prevents a new CA bundle what is trusted meanwhile.
func WithLastGoodBundle(problem finding.Finding, trusted []byte, now time.Time) finding.Finding {
	switch _, err := pki.ParseBundle(trusted, now); {
	case len(trusted) == 0:
		return problem.Affecting("Until then the API is not registered")
	case err != nil:
		return problem.Affecting("The CAs that are trusted meanwhile have expired, so requests fail")
	default:
		problem.Status = metav1.ConditionTrue
		return problem.Affecting("The last good bundle stays in use")
	}
}

// TrustedCAs reports a change of the CA bundle in progress, and what the server is verified with.
func TrustedCAs(plan rotation.Plan, read snapshot.CABundle) finding.Finding {
	switch {
	case plan.Stuck:
		return finding.True(v1alpha1.ReasonRotationStuck, fmt.Sprintf("since %s, %s",
			pki.Timestamp(plan.Record.Since), waitingFor(plan)), finding.Stalled).
			Alarming().Advising(unstickTrust[plan.Record.Phase])
	case plan.Waiting != "":
		return finding.True(v1alpha1.ReasonRotating, waitingFor(plan), finding.Working)
	default:
		return finding.Good(v1alpha1.ReasonUserProvided, "the server is verified with the CA bundle in "+valueOf(read))
	}
}

// unstickTrust is what a user can do about a phase that does not complete.
var unstickTrust = map[rotation.Phase]string{
	v1alpha1.RotationPublishingTrust: "See Registered",
	v1alpha1.RotationAwaitingServed: "Have the server serve a certificate of a CA in the bundle: renew it, or restart " +
		"replicas that do not reload it; until then the earlier CAs stay trusted",
	v1alpha1.RotationDroppingTrust: "See Registered",
}

// KeptTrust reports the CA bundle that is stored, which is not changed while spec.suspend is true.
func KeptTrust(changes bool, read snapshot.CABundle) finding.Finding {
	if changes {
		return finding.Bad(v1alpha1.ReasonSuspended, fmt.Sprintf(
			"the CA bundle is not changed until spec.suspend is false, although it differs from that in %s", valueOf(read)),
			finding.Settled)
	}
	return finding.Good(v1alpha1.ReasonUserProvided, fmt.Sprintf(
		"the server is verified with the CA bundle in %s; it is not updated while spec.suspend is true", valueOf(read)))
}
