// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Discovery reports the worst of what is found of any group-version, and when that may change by itself, 0 for never.
// reconnects is when kube-apiserver last reconnected, or will.
func Discovery(s *snapshot.Snapshot, reconnects time.Time) (worst finding.Finding, recheck time.Duration) {
	if found := unmeasurable(s); found.Found() {
		return found, 0
	}
	settled := true
	for i, groupVersion := range measured(s) {
		settled = settled && s.Aggregated[groupVersion].Settled
		judged := discovery.Judge(stateOf(s, groupVersion, reconnects))
		if judged.Recheck > 0 && (recheck == 0 || judged.Recheck < recheck) {
			recheck = judged.Recheck
		}
		found := withOutdatedPods(s, withSubset(s, withLimitWarning(s, judgedFinding(judged))))
		if i == 0 || rank(found) > rank(worst) {
			worst = found
		}
	}
	worst = keepWhileProbing(s, worst)
	if !settled {
		worst = keepDoubt(s, worst)
	}
	return worst, recheck
}

// unmeasurable reports why no request is answered, whatever was probed before.
func unmeasurable(s *snapshot.Snapshot) finding.Finding {
	if !s.IsActive() {
		return finding.Unknown(v1alpha1.ReasonNotAvailable, "no group-version is registered, see Registered")
	}
	if name := unserved(s); name != "" {
		return finding.Unknown(v1alpha1.ReasonNotAvailable,
			"no replica is ready, so every request for "+name+" fails; see ServerAvailable")
	}
	if name := returning(s); name != "" {
		return finding.Unknown(v1alpha1.ReasonNotAvailable,
			"requests for "+name+" are not sent to the server yet; see APIServicesAvailable")
	}
	return finding.Finding{}
}

// measured leaves out the group-versions of other owners, unless that is all: there is nothing to measure.
func measured(s *snapshot.Snapshot) []schema.GroupVersion {
	all := manifests.GroupVersions(s.ExtensionAPI)
	own := slices.DeleteFunc(slices.Clone(all), func(groupVersion schema.GroupVersion) bool {
		return IsHeld(s.ClaimTo(groupVersion), s.Spec.AdoptionPolicy)
	})
	if len(own) == 0 {
		return all
	}
	return own
}

func stateOf(
	s *snapshot.Snapshot, groupVersion schema.GroupVersion, reconnects time.Time,
) discovery.GroupVersionState {
	existing, aggregated := s.Existing(groupVersion), s.Aggregated[groupVersion]
	state := discovery.GroupVersionState{
		Name:           manifests.APIServiceName(groupVersion),
		GroupVersion:   groupVersion,
		Policy:         s.Policy(),
		Registered:     existing != nil,
		Available:      slices.Contains(s.Available(), groupVersion),
		Reconnects:     reconnects,
		Stale:          aggregated.Stale,
		KubeAPIServers: s.Probes.KubeAPIServersOf(groupVersion),
		Replicas:       s.Probes.ReplicasOf(groupVersion, s.Replicas()),
		Now:            s.Now,
	}
	if !isExplainedByLayer(s, existing) {
		state.CheckFailed = snapshot.FailedCheck(existing)
	}
	if hasResources(state.Replicas) {
		state.Empty = aggregated.Empty
	}
	return state
}

func hasResources(replicas []discovery.ReplicaSubject) bool {
	return slices.ContainsFunc(replicas, func(s discovery.ReplicaSubject) bool { return s.Content.Resources > 0 })
}

func judgedFinding(judged discovery.Finding) finding.Finding {
	switch {
	case slices.Contains(withinLimit, judged.Reason):
		found := finding.Good(judged.Reason, judged.Message)
		if slices.Contains(nearTrouble, judged.Reason) {
			return found.Alarming()
		}
		return found
	case discovery.IsKnown(judged.Reason):
		return finding.Bad(judged.Reason, judged.Message, finding.Working)
	default:
		return finding.Unknown(judged.Reason, judged.Message)
	}
}

// withinLimit are the reasons that DiscoveryWithinLimit is True for.
var withinLimit = []string{
	v1alpha1.ReasonWithinLimit, v1alpha1.ReasonNearLimit, v1alpha1.ReasonReplicaEjected, v1alpha1.ReasonOpenAPISlow,
	v1alpha1.ReasonMissingWithoutImpact, v1alpha1.ReasonNoResources,
}

// nearTrouble are those that are worth a warning.
var nearTrouble = []string{v1alpha1.ReasonNearLimit, v1alpha1.ReasonOpenAPISlow, v1alpha1.ReasonNoResources}

// rank orders what is wrong before what is not known, and that before what is worth knowing.
func rank(f finding.Finding) int {
	switch {
	case f.Status == metav1.ConditionFalse:
		return 4
	case f.Status == metav1.ConditionUnknown && f.Code != v1alpha1.ReasonProbing:
		return 3
	case f.Status == metav1.ConditionUnknown:
		return 2
	case f.Code != v1alpha1.ReasonWithinLimit:
		return 1
	default:
		return 0
	}
}

// unserved returns a registered group-version that no replica is ready for, empty if there is none.
func unserved(s *snapshot.Snapshot) (name string) {
	if behind, known := s.Endpoints.Get(); !known || !s.InReach() || len(behind.Ready) > 0 {
		return ""
	}
	return firstName(s, func(existing *apiregistrationv1.APIService) bool { return existing != nil })
}

// firstName returns the name of the first measured group-version with such an APIService, empty if there is none.
func firstName(s *snapshot.Snapshot, match func(*apiregistrationv1.APIService) bool) string {
	for _, groupVersion := range measured(s) {
		if match(s.Existing(groupVersion)) {
			return manifests.APIServiceName(groupVersion)
		}
	}
	return ""
}

// keepWhileProbing returns what was reported before while not enough is known: neither a restart of the operator nor a
// new replica changes anything. That requests are answered in time is not repeated while kube-apiserver reports that
// they fail.
func keepWhileProbing(s *snapshot.Snapshot, found finding.Finding) finding.Finding {
	reported := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionDiscoveryWithinLimit)
	if found.Code != v1alpha1.ReasonProbing || reported == nil || reported.Status == metav1.ConditionUnknown {
		return found
	}
	if name := firstName(s, isReportedUnavailable); name != "" && reported.Status == metav1.ConditionTrue {
		return judgedFinding(discovery.Unavailable(name))
	}
	return finding.Of(reported)
}

func isReportedUnavailable(existing *apiregistrationv1.APIService) bool {
	condition := snapshot.Availability(existing)
	return condition != nil && condition.Status == apiregistrationv1.ConditionFalse
}

// keepDoubt keeps what aggregated discovery contained until it is known to contain something else.
func keepDoubt(s *snapshot.Snapshot, found finding.Finding) finding.Finding {
	reported := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionDiscoveryWithinLimit)
	if found.Status != metav1.ConditionTrue || reported == nil ||
		!slices.Contains([]string{v1alpha1.ReasonStale, v1alpha1.ReasonEmpty}, reported.Reason) {
		return found
	}
	return finding.Of(reported)
}

// withLimitWarning warns of a limit that means little.
func withLimitWarning(s *snapshot.Snapshot, found finding.Finding) finding.Finding {
	if limit := s.Limit(); limit > discovery.AggregatorTimeout && found.Status != metav1.ConditionFalse {
		found.Evidence += fmt.Sprintf("; a limit of %s means little: kube-apiserver itself times out after %s",
			limit, discovery.AggregatorTimeout)
	}
	return found
}

// withSubset reports that not every replica is probed.
func withSubset(s *snapshot.Snapshot, found finding.Finding) finding.Finding {
	behind := s.Endpoints.Value()
	all := len(behind.Ready) + len(behind.Ejected)
	if probed := len(s.Replicas()); probed < all && found.Status == metav1.ConditionTrue {
		found.Evidence += fmt.Sprintf("; %d of %d replicas are probed: a round has at most %d requests",
			probed, all, limits.ProbesOfRound)
	}
	return found
}
