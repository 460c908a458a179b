// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// freshnessOf returns what each kube-apiserver's aggregated discovery says of a group-version.
type freshnessOf func(schema.GroupVersion) []aggregation.Report

// discoveryVerdict tells the worst of what is found of any group-version.
func discoveryVerdict(s *scope, last discovery.Round, freshness freshnessOf) verdict {
	if len(s.Status.APIServices) == 0 {
		return unknown(v1alpha1.ReasonNotAvailable, "no group-version is registered, see Registered")
	}
	var worst verdict
	for i, groupVersion := range manifests.GroupVersions(s.ExtensionAPI) {
		v := findingVerdict(discovery.Judge(pictureOf(s, groupVersion, last, freshness)))
		if i == 0 || severity(v) > severity(worst) {
			worst = v
		}
	}
	if limit := policy(s).Limit; limit > discovery.AggregatorTimeout {
		worst.message += fmt.Sprintf("; the limit of %s says little: kube-apiserver itself gives up after %s",
			limit, discovery.AggregatorTimeout)
	}
	return worst
}

func pictureOf(
	s *scope, groupVersion schema.GroupVersion, last discovery.Round, freshness freshnessOf,
) discovery.Picture {
	name := manifests.APIServiceName(groupVersion)
	picture := discovery.Picture{
		Name:       name,
		Limit:      policy(s).Limit,
		Warning:    warning(s),
		Registered: s.registered[name],
		Available:  s.available[name],
	}
	picture.Stale, picture.Empty = doubtedBy(freshness(groupVersion), hasResources(last, groupVersion))
	for key, record := range last.Records {
		if key.GroupVersion == groupVersion && key.View == discovery.ViewKubeAPIServer {
			picture.KubeAPIServers = append(picture.KubeAPIServers,
				discovery.Subject{Name: "kube-apiserver " + key.Address, Record: record})
		}
	}
	slices.SortFunc(picture.KubeAPIServers, discovery.CompareNames)
	for _, endpoint := range s.endpoints {
		key := discovery.Key{View: discovery.ViewEndpoint, Address: endpoint.Address, GroupVersion: groupVersion}
		if record, found := last.Records[key]; found {
			picture.Replicas = append(picture.Replicas, discovery.Subject{Name: endpoint.String(), Record: record})
		}
	}
	return picture
}

// doubtedBy returns the kube-apiservers that have had a group-version marked Stale for some time, and those that have
// had it empty although the server has resources in it.
func doubtedBy(reports []aggregation.Report, hasResources bool) (stale, empty []string) {
	for _, report := range reports {
		switch {
		case report.Stale:
			stale = append(stale, report.KubeAPIServer)
		case report.Empty && hasResources:
			empty = append(empty, report.KubeAPIServer)
		}
	}
	return stale, empty
}

// hasResources tells whether a replica has answered with resources.
func hasResources(last discovery.Round, groupVersion schema.GroupVersion) bool {
	for key, sample := range last.Results {
		if key.View == discovery.ViewEndpoint && key.GroupVersion == groupVersion && sample.Resources > 0 {
			return true
		}
	}
	return false
}

func findingVerdict(found discovery.Finding) verdict {
	switch found.Reason {
	case v1alpha1.ReasonWithinLimit, v1alpha1.ReasonNearLimit:
		return good(found.Reason, found.Message)
	case v1alpha1.ReasonProbing, v1alpha1.ReasonNotAvailable, v1alpha1.ReasonKubeAPIServerUnreachable,
		v1alpha1.ReasonProbeNotPossible:
		return unknown(found.Reason, found.Message)
	default:
		return bad(found.Reason, found.Message, working)
	}
}

// severity orders what is wrong before what is not known, and that before what is near the limit.
func severity(v verdict) int {
	switch {
	case v.status == "False":
		return 3
	case v.status == "Unknown":
		return 2
	case v.reason == v1alpha1.ReasonNearLimit:
		return 1
	default:
		return 0
	}
}

var figure = regexp.MustCompile(`[0-9.]+(ms|µs|s)\b`)

// keepFigures returns the message that was told before where nothing but its figures would change.
func keepFigures(s *scope, v verdict) verdict {
	told := meta.FindStatusCondition(s.before.Status.Conditions, v1alpha1.ConditionDiscoveryWithinLimit)
	if told != nil && told.Reason == v.reason &&
		figure.ReplaceAllString(told.Message, "") == figure.ReplaceAllString(v.message, "") {
		v.message = told.Message
	}
	return v
}

func policy(s *scope) discovery.Policy {
	d := s.Spec.Discovery
	return discovery.Policy{
		Limit:            limit(s),
		FailureThreshold: orDefault(d.FailureThreshold, v1alpha1.DefaultFailureThreshold),
		SuccessThreshold: orDefault(d.SuccessThreshold, v1alpha1.DefaultSuccessThreshold),
	}
}

func warning(s *scope) time.Duration {
	percent := orDefault(s.Spec.Discovery.WarningPercent, v1alpha1.DefaultWarningPercent)
	return limit(s) * time.Duration(percent) / 100
}

func orDefault(value int32, byDefault int) int {
	if value == 0 {
		return byDefault
	}
	return int(value)
}
