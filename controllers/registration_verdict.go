// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

// registrationOutcome is what came of registering one group-version.
type registrationOutcome struct {
	// name of the APIService.
	name string
	// existing is the operator's APIService, nil while there is none.
	existing *apiregistrationv1.APIService
	// claim tells who else has the group-version, and adoption what adopting it would change.
	claim    claims.Claim
	adoption []v1alpha1.FieldChange
	// obstacle is what is in the way; its reason is empty when nothing is.
	obstacle finding.Finding
	// unconfigured is what the aggregation layer lacks, when that is why the server refuses kube-apiserver.
	unconfigured string
}

// isHeld tells whether it is not registered because somebody else has it.
func (o registrationOutcome) isHeld() bool { return o.obstacle.Code == v1alpha1.ReasonNotClaimed }

// isMissing tells whether there is no APIService, for a reason that is known.
func (o registrationOutcome) isMissing() bool { return o.existing == nil && o.obstacle.Code != "" }

// availability is what kube-apiserver says of the APIService, nil while it has said nothing.
func (o registrationOutcome) availability() *apiregistrationv1.APIServiceCondition {
	if o.existing == nil {
		return nil
	}
	return availabilityOf(o.existing)
}

func availabilityOf(apiService *apiregistrationv1.APIService) *apiregistrationv1.APIServiceCondition {
	return helper.GetAPIServiceConditionByType(apiService, apiregistrationv1.Available)
}

// isAvailable tells whether kube-apiserver sends requests to the server.
func (o registrationOutcome) isAvailable() bool { return o.existing != nil && isAvailable(o.existing) }

func isAvailable(apiService *apiregistrationv1.APIService) bool {
	return helper.IsAPIServiceConditionTrue(apiService, apiregistrationv1.Available)
}

// failedCheck is what kube-apiserver says of its check of discovery, when that is why it is not available and nothing
// explains it yet (kube-aggregator pkg/controllers/status/remote).
func (o registrationOutcome) failedCheck() string {
	if o.existing == nil || o.unconfigured != "" {
		return ""
	}
	return failedCheckOf(o.existing)
}

func failedCheckOf(apiService *apiregistrationv1.APIService) string {
	condition := availabilityOf(apiService)
	if condition == nil || condition.Status == apiregistrationv1.ConditionTrue ||
		condition.Reason != "FailedDiscoveryCheck" {
		return ""
	}
	return excerpt.Quote(condition.Message)
}

func notClaimed(what string, by holder.Holder) finding.Finding {
	return finding.Bad(v1alpha1.ReasonNotClaimed, fmt.Sprintf("%s belongs to %s, see Claimed", what, by), finding.Working)
}

// fought is told of an own APIService that somebody else keeps changing.
func fought(fight *apply.FightError) finding.Finding {
	return finding.Bad(v1alpha1.ReasonContested,
		fmt.Sprintf("%v; every change has kube-apiserver connect anew, or to another "+
			"server. Take the APIService out of where that comes from, such as a GitOps repository or a Helm chart", fight),
		finding.Stalled)
}

// refused leaves the group-version to who has it, and tells what adopting it would change where that is wanted.
func refused(
	outcome registrationOutcome, configuration *apiregistration.APIServiceApplyConfiguration,
	policy v1alpha1.AdoptionPolicy,
) registrationOutcome {
	what := "it"
	if outcome.claim.Splits {
		what = "its group"
	}
	outcome.obstacle = notClaimed(what, outcome.claim.Holder)
	if outcome.claim.Standing == claims.HeldAdoptable && policy == v1alpha1.AdoptionDryRun {
		outcome.adoption = adoptionChanges(outcome.claim.APIService, configuration)
	}
	return outcome
}

// heldLast puts last what somebody else has: it must not hide trouble with what is served.
func heldLast(outcomes []registrationOutcome) []registrationOutcome {
	return slices.SortedStableFunc(slices.Values(outcomes), func(a, b registrationOutcome) int {
		if a.isHeld() == b.isHeld() {
			return 0
		}
		if a.isHeld() {
			return 1
		}
		return -1
	})
}

// registrationVerdict tells of the first group-version that is not registered.
func registrationVerdict(namespace namespaceState, outcomes []registrationOutcome) finding.Finding {
	if v, found := removedVerdict(namespace); found {
		return v
	}
	for _, outcome := range heldLast(outcomes) {
		if outcome.obstacle.Code == "" {
			continue
		}
		v := outcome.obstacle
		v.Message = outcome.name + ": " + v.Message
		if outcome.existing != nil && v.Code != v1alpha1.ReasonContested {
			v.Message += "; until then the APIService stays as it was"
		}
		return v
	}
	return finding.Good(v1alpha1.ReasonRegistered, fmt.Sprintf("all %d group-versions are registered", len(outcomes)))
}

// availableVerdict repeats what kube-apiserver says of the first APIService that is not available.
func availableVerdict(namespace namespaceState, outcomes []registrationOutcome) finding.Finding {
	if v, found := removedVerdict(namespace); found {
		return v
	}
	for _, outcome := range outcomes {
		if outcome.isMissing() && !outcome.isHeld() {
			return finding.Bad(v1alpha1.ReasonNotRegistered, outcome.name+" is not registered, see Registered", finding.Working)
		}
	}
	for _, outcome := range heldLast(outcomes) {
		if outcome.isMissing() {
			return finding.Bad(v1alpha1.ReasonNotRegistered, outcome.name+" is not registered, see Claimed", finding.Working)
		}
		condition := outcome.availability()
		if condition == nil || condition.Status == apiregistrationv1.ConditionUnknown {
			return finding.Unknown(v1alpha1.ReasonNotReported, "waiting for kube-apiserver to check "+outcome.name)
		}
		if condition.Status != apiregistrationv1.ConditionTrue {
			return unavailableVerdict(outcome, condition)
		}
	}
	return finding.Good(v1alpha1.ReasonAllAvailable, "kube-apiserver reports every APIService available")
}

func unavailableVerdict(o registrationOutcome, told *apiregistrationv1.APIServiceCondition) finding.Finding {
	reason, cause, progress := v1alpha1.ReasonNotReported, excerpt.Quote(told.Message), finding.Working
	if report.IsReason(told.Reason) {
		reason = told.Reason
	}
	if o.unconfigured != "" {
		reason, progress = v1alpha1.ReasonAggregationLayerNotConfigured, finding.Stalled
		cause += "; " + o.unconfigured
	}
	return finding.Bad(reason,
		fmt.Sprintf("kube-apiserver reports %s as unavailable: %s; until it is available, namespace "+
			"deletion and discovery suffer in the whole cluster", o.name, cause), progress)
}

// whileCounting is in progress until the objects of group-versions that are to be unregistered have been counted.
func whileCounting(v finding.Finding, counting []string) finding.Finding {
	if len(counting) > 0 && v.Progress == finding.Settled {
		v.Message += "; " + strings.Join(counting, ", ") + " will be unregistered when its objects have been counted"
		v.Progress = finding.Working
	}
	return v
}

// removedVerdict is found when there are no APIServices because there is no namespace.
func removedVerdict(namespace namespaceState) (v finding.Finding, found bool) {
	switch namespace {
	case namespaceTerminating:
		return finding.Bad(v1alpha1.ReasonNamespaceTerminating,
			"the server's namespace is being deleted, so its APIServices have been removed", finding.Working), true
	case namespaceMissing:
		return finding.Bad(v1alpha1.ReasonNamespaceNotFound,
			"the server's namespace does not exist, so it has no APIServices", finding.Working), true
	default:
		return finding.Finding{}, false
	}
}

// maxAdoption is how many changes the schema allows.
const maxAdoption = 32

// describeAPIServices fills in the status of each APIService.
func describeAPIServices(s *scope, outcomes []registrationOutcome) {
	before := s.before.Status.APIServices
	s.Status.APIServices = nil
	for _, outcome := range outcomes {
		described := v1alpha1.APIServiceStatus{
			Name:            outcome.name,
			Available:       metav1.ConditionUnknown,
			AdoptionChanges: outcome.adoption[:min(len(outcome.adoption), maxAdoption)],
		}
		if other := outcome.claim.Holder.Reference; other.Kind != "" {
			described.HeldBy = &other
		}
		if condition := outcome.availability(); condition != nil {
			described.Available = metav1.ConditionStatus(condition.Status)
		}
		for _, earlier := range before {
			if earlier.Name == outcome.name {
				described.Discovery = earlier.Discovery
			}
		}
		s.outcomes[outcome.name] = outcome
		s.Status.APIServices = append(s.Status.APIServices, described)
	}
}
