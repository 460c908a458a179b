// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

// maxWithheldTold bounds how many withheld changes a message lists.
const maxWithheldTold = 5

// isSuspended tells whether nothing may be changed. The order to delete outranks that.
func (s *scope) isSuspended() bool { return s.Spec.Suspend && s.DeletionTimestamp.IsZero() }

// suspendedVerdict tells what is not done, what that leads to, and how to end it.
func suspendedVerdict(s *scope, interruption error) finding.Finding {
	message := "spec.suspend is true, so nothing is created, repaired, renewed or ejected; " +
		withheldWords(s.withheld.Names())
	if interruption != nil {
		message += fmt.Sprintf(", but not everything could be looked at: %v; it is tried again", interruption)
	}
	message += ". Until it is false, what others change or delete stays so"
	if s.Spec.Server != nil {
		message += ", and a bad replica goes on to get requests"
	}
	if certificate := s.Status.Certificate; certificate != nil {
		message += "; when the serving certificate expires, at " + pki.Timestamp(certificate.NotAfter.Time) +
			", every request fails"
	}
	return finding.Bad(v1alpha1.ReasonSuspended, message+". Go on with: kubectl patch xapi "+s.Name+
		` --type merge -p '{"spec":{"suspend":false}}'`, finding.Settled)
}

func withheldWords(names []string) string {
	switch further := len(names) - maxWithheldTold; {
	case len(names) == 0:
		return "there is nothing to be changed now"
	case further > 0:
		return fmt.Sprintf("withheld: %s and %d more", strings.Join(names[:maxWithheldTold], ", "), further)
	default:
		return "withheld: " + strings.Join(names, ", ")
	}
}

// suspensionNotes tell that a suspension has begun or ended.
func suspensionNotes(s *scope) []report.Note {
	earlier := meta.FindStatusCondition(s.before.Status.Conditions, v1alpha1.ConditionReconciling)
	wasSuspended := earlier != nil && earlier.Reason == v1alpha1.ReasonSuspended
	switch {
	case s.isSuspended() && !wasSuspended:
		told := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReconciling)
		return []report.Note{report.Normal(v1alpha1.ReasonSuspended, told.Message, nil)}
	case wasSuspended && !s.Spec.Suspend:
		const resumed = "spec.suspend is false again; what was withheld is done now"
		return []report.Note{report.Normal(v1alpha1.ReasonResumed, resumed, nil)}
	default:
		return nil
	}
}

// withheldServer is told while there is no Deployment.
func withheldServer() finding.Finding {
	return finding.Bad(v1alpha1.ReasonSuspended,
		"there is no Deployment with the labels of this ExtensionAPI, and none is made while spec.suspend is true",
		finding.Settled)
}

// withheldAdoption is told of an APIService that is to be taken over.
func withheldAdoption(from holder.Holder) finding.Finding {
	return finding.Bad(v1alpha1.ReasonSuspended,
		fmt.Sprintf("it belongs to %s, and is not taken over while spec.suspend is true", from), finding.Settled)
}

// withheldRegistration tells of an APIService that does not lead to the server, since it was not applied; its reason is
// empty when it does, or was.
func withheldRegistration(
	s *scope, configuration *apiregistration.APIServiceApplyConfiguration, existing *apiregistrationv1.APIService,
) finding.Finding {
	switch {
	case !s.isSuspended():
		return finding.Finding{}
	case existing == nil:
		return finding.Bad(v1alpha1.ReasonSuspended,
			"no APIService has the labels of this ExtensionAPI, and none is made while spec.suspend is true",
			finding.Settled)
	case !sameService(existing, configuration):
		return finding.Bad(v1alpha1.ReasonSuspended,
			"requests are sent to another Service than the spec says, which is not repaired while spec.suspend is true",
			finding.Settled)
	default:
		return finding.Finding{}
	}
}
