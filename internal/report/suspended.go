// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// maxWithheld bounds how many withheld changes a message lists.
const maxWithheld = 5

// suspended reports what is not done, what that leads to, and how to end it.
func (r Reconciliation) suspended(certificate *v1alpha1.CertificateStatus) finding.Finding {
	evidence := "spec.suspend is true, so nothing is created, repaired, renewed or ejected; " +
		withheldChanges(r.Outcome.Withheld)
	if r.Interruption != nil {
		evidence += fmt.Sprintf(", but not everything could be read: %v; retrying", r.Interruption)
	}
	affected := "Changes and deletions by others are not reverted"
	if r.Spec.Server != nil {
		affected += ", and unhealthy replicas continue to get requests"
	}
	if certificate != nil {
		affected += "; when the serving certificate expires, at " + pki.Timestamp(certificate.NotAfter.Time) +
			", every request fails"
	}
	return finding.Bad(v1alpha1.ReasonSuspended, evidence, finding.Settled).Affecting(affected).
		Advising("Resume: kubectl patch xapi " + r.Name + ` --type merge -p '{"spec":{"suspend":false}}'`)
}

func withheldChanges(names []string) string {
	switch further := len(names) - maxWithheld; {
	case len(names) == 0:
		return "there is nothing to be changed now"
	case further > 0:
		return fmt.Sprintf("withheld: %s and %d more", strings.Join(names[:maxWithheld], ", "), further)
	default:
		return "withheld: " + strings.Join(names, ", ")
	}
}

// suspensionNotes report that a suspension has begun or ended.
func suspensionNotes(before *v1alpha1.ExtensionAPI, after []metav1.Condition) []finding.Note {
	earlier := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReconciling)
	now := meta.FindStatusCondition(after, v1alpha1.ConditionReconciling)
	was := earlier != nil && earlier.Reason == v1alpha1.ReasonSuspended
	switch is := now.Reason == v1alpha1.ReasonSuspended; {
	case is && !was:
		return []finding.Note{finding.NormalNote(v1alpha1.ReasonSuspended, now.Message, nil)}
	case was && !before.Spec.Suspend:
		const resumed = "spec.suspend is false again; what was withheld is done now"
		return []finding.Note{finding.NormalNote(v1alpha1.ReasonResumed, resumed, nil)}
	default:
		return nil
	}
}
