// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

// OnlyNoise reports whether the two differ in nothing but figures that did not move so much that it would matter. With
// any other change, all figures are brought up to date.
func OnlyNoise(before, after *v1alpha1.ExtensionAPIStatus, spec v1alpha1.Discovery) bool {
	limit := discovery.PolicyOf(spec).Limit
	figures := figuresOf(before)
	for name, shown := range figuresOf(after) {
		if earlier, found := figures[name]; !found || moved(earlier, shown, limit) {
			return false
		}
	}
	return equality.Semantic.DeepEqual(withoutFigures(before), withoutFigures(after))
}

// figure is a time in a message.
var figure = regexp.MustCompile(`\b[0-9.]+(ms|µs|s)\b`)

// figuresOf returns the figures of each APIService and endpoint.
func figuresOf(status *v1alpha1.ExtensionAPIStatus) map[string]*v1alpha1.DiscoveryStatus {
	figures := map[string]*v1alpha1.DiscoveryStatus{}
	for i := range status.APIServices {
		figures[status.APIServices[i].Name] = status.APIServices[i].Discovery
	}
	for i := range status.Endpoints {
		figures[status.Endpoints[i].Address] = status.Endpoints[i].Discovery
	}
	return figures
}

// withoutFigures leaves out the figures, also of the message about them, and the order of the endpoints, which follows
// from them.
func withoutFigures(status *v1alpha1.ExtensionAPIStatus) *v1alpha1.ExtensionAPIStatus {
	bare := status.DeepCopy()
	bare.DiscoveryLatency = nil
	for i := range bare.APIServices {
		bare.APIServices[i].Discovery = nil
	}
	for i := range bare.Endpoints {
		bare.Endpoints[i].Discovery = nil
	}
	if within := meta.FindStatusCondition(bare.Conditions, v1alpha1.ConditionDiscoveryWithinLimit); within != nil {
		within.Message = figure.ReplaceAllString(within.Message, "")
	}
	slices.SortFunc(bare.Endpoints, func(a, b v1alpha1.EndpointStatus) int { return cmp.Compare(a.Address, b.Address) })
	return bare
}

// moved reports whether a figure moved so much that it matters.
func moved(before, after *v1alpha1.DiscoveryStatus, limit time.Duration) bool {
	if before == nil || after == nil {
		return before != after
	}
	if before.Error != after.Error || (before.Last == nil) != (after.Last == nil) {
		return true
	}
	for _, pair := range [][2]*metav1.Duration{
		{before.Last, after.Last}, {before.P50, after.P50}, {before.P99, after.P99}, {before.Max, after.Max},
	} {
		if pair[0] != nil && pair[1] != nil && discovery.LatencyChanged(pair[0].Duration, pair[1].Duration, limit) {
			return true
		}
	}
	return false
}
