// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// freshnessOf returns what each kube-apiserver's aggregated discovery says of a group-version.
type freshnessOf func(schema.GroupVersion) (reports []aggregation.Report, looked bool)

// discoveryVerdict tells the worst of what is found of any group-version.
func discoveryVerdict(s *scope, last discovery.Round, freshness freshnessOf, now time.Time) finding.Finding {
	if len(s.Status.APIServices) == 0 {
		return finding.Unknown(v1alpha1.ReasonNotAvailable, "no group-version is registered, see Registered")
	}
	var worst finding.Finding
	freshnessKnown := true
	for i, groupVersion := range measuredGroupVersions(s) {
		reports, looked := freshness(groupVersion)
		freshnessKnown = freshnessKnown && looked && allSettled(reports)
		found := discovery.Judge(pictureOf(s, groupVersion, last, reports, now))
		if found.Again > 0 {
			s.requeueAfter(found.Again)
		}
		if v := withSubset(s, withLimitWarning(s, findingVerdict(found))); i == 0 || severity(v) > severity(worst) {
			worst = v
		}
	}
	worst = keepVerdict(s, worst)
	if !freshnessKnown {
		worst = keepDoubt(s, worst)
	}
	return worst
}

// measuredGroupVersions leaves out what somebody else has, unless that is all: there is nothing to measure.
func measuredGroupVersions(s *scope) []schema.GroupVersion {
	own := groupVersionsThat(s, func(outcome registrationOutcome) bool { return !outcome.isHeld() })
	if len(own) == 0 {
		return manifests.GroupVersions(s.ExtensionAPI)
	}
	return own
}

func pictureOf(
	s *scope, groupVersion schema.GroupVersion, last discovery.Round, reports []aggregation.Report, now time.Time,
) discovery.Picture {
	outcome := s.outcomes[manifests.APIServiceName(groupVersion)]
	picture := discovery.Picture{
		Name:           manifests.APIServiceName(groupVersion),
		GroupVersion:   groupVersion,
		Policy:         policy(s),
		Registered:     outcome.existing != nil,
		Available:      outcome.isAvailable(),
		CheckFailed:    outcome.failedCheck(),
		ConnectsAnew:   s.connectsAnew,
		KubeAPIServers: last.KubeAPIServersOf(groupVersion),
		Replicas:       last.ReplicasOf(groupVersion, replicas(s)),
		Now:            now,
	}
	picture.Stale, picture.Empty = doubtedBy(reports, hasResources(picture.Replicas))
	return picture
}

// doubtedBy returns the kube-apiservers that have had a group-version marked Stale for some time, and those that have
// had it empty although the server has resources in it.
func doubtedBy(reports []aggregation.Report, hasResources bool) (stale, empty []string) {
	for _, report := range reports {
		if report.Stale {
			stale = append(stale, report.KubeAPIServer)
		} else if report.Empty && hasResources {
			empty = append(empty, report.KubeAPIServer)
		}
	}
	return stale, empty
}

func hasResources(replicas []discovery.ReplicaSubject) bool {
	return slices.ContainsFunc(replicas, func(s discovery.ReplicaSubject) bool { return s.Told.Resources > 0 })
}

func allSettled(reports []aggregation.Report) bool {
	return !slices.ContainsFunc(reports, func(report aggregation.Report) bool { return !report.Settled })
}

func findingVerdict(found discovery.Finding) finding.Finding {
	switch {
	case slices.Contains(withinLimit, found.Reason):
		return finding.Good(found.Reason, found.Message)
	case discovery.IsKnown(found.Reason):
		return finding.Bad(found.Reason, found.Message, finding.Working)
	default:
		return finding.Unknown(found.Reason, found.Message)
	}
}

// withinLimit are the reasons that DiscoveryWithinLimit is True for.
var withinLimit = []string{
	v1alpha1.ReasonWithinLimit, v1alpha1.ReasonNearLimit, v1alpha1.ReasonReplicaEjected, v1alpha1.ReasonOpenAPISlow,
}

// severity orders what is wrong before what is not known, and that before what is worth knowing.
func severity(v finding.Finding) int {
	switch {
	case v.Status == metav1.ConditionFalse:
		return 4
	case v.Status == metav1.ConditionUnknown && v.Code != v1alpha1.ReasonProbing:
		return 3
	case v.Status == metav1.ConditionUnknown:
		return 2
	case v.Code != v1alpha1.ReasonWithinLimit:
		return 1
	default:
		return 0
	}
}

// keepVerdict returns what was known before while not enough is known: neither a restart of the operator nor a new
// replica turns anything.
func keepVerdict(s *scope, v finding.Finding) finding.Finding {
	told := meta.FindStatusCondition(s.before.Status.Conditions, v1alpha1.ConditionDiscoveryWithinLimit)
	if v.Code != v1alpha1.ReasonProbing || told == nil || told.Status == metav1.ConditionUnknown {
		return v
	}
	return finding.Of(told)
}

// keepDoubt keeps telling what aggregated discovery said until it is known to say something else.
func keepDoubt(s *scope, v finding.Finding) finding.Finding {
	told := meta.FindStatusCondition(s.before.Status.Conditions, v1alpha1.ConditionDiscoveryWithinLimit)
	if v.Status != metav1.ConditionTrue || told == nil ||
		!slices.Contains([]string{v1alpha1.ReasonStale, v1alpha1.ReasonEmpty}, told.Reason) {
		return v
	}
	return finding.Of(told)
}

// withLimitWarning tells of a limit that says little.
func withLimitWarning(s *scope, v finding.Finding) finding.Finding {
	if limit := limit(s); limit > discovery.AggregatorTimeout && v.Status != metav1.ConditionFalse {
		v.Message += fmt.Sprintf("; the limit of %s says little: kube-apiserver itself gives up after %s",
			limit, discovery.AggregatorTimeout)
	}
	return v
}

// withSubset says so where not every replica is probed.
func withSubset(s *scope, v finding.Finding) finding.Finding {
	all := len(s.endpoints) + len(s.ejected)
	if probed := len(replicas(s)); probed < all && v.Status == metav1.ConditionTrue {
		v.Message += fmt.Sprintf("; %d of %d replicas are probed: a round has at most %d requests",
			probed, all, limits.ProbesOfRound)
	}
	return v
}
