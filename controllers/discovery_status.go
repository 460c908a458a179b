// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

const (
	// roundTo is how exactly latencies are told.
	roundTo = 100 * time.Microsecond
	// maxEndpointsTold bounds status.endpoints, as the schema does.
	maxEndpointsTold = 10
	maxErrorLength   = 1024
)

// describeDiscovery fills in the latencies.
func describeDiscovery(s *scope, last discovery.Round) {
	s.Status.DiscoveryLatency = nil
	for i := range s.Status.APIServices {
		told := &s.Status.APIServices[i]
		told.Discovery = describeWorst(last, func(key discovery.Key) bool {
			return key.View == discovery.ViewKubeAPIServer && manifests.APIServiceName(key.GroupVersion) == told.Name
		})
		if d := told.Discovery; d != nil && d.Last != nil {
			if s.Status.DiscoveryLatency == nil || d.Last.Duration > s.Status.DiscoveryLatency.Duration {
				s.Status.DiscoveryLatency = d.Last
			}
		}
	}
	s.Status.Endpoints = describeEndpoints(s, last)
}

// describeEndpoints tells of the worst endpoints first.
func describeEndpoints(s *scope, last discovery.Round) []v1alpha1.EndpointStatus {
	var result []v1alpha1.EndpointStatus
	for _, endpoint := range s.endpoints {
		result = append(result, v1alpha1.EndpointStatus{
			Address: endpoint.Address,
			Pod:     endpoint.Pod,
			Discovery: describeWorst(last, func(key discovery.Key) bool {
				return key.View == discovery.ViewEndpoint && key.Address == endpoint.Address
			}),
		})
	}
	slices.SortStableFunc(result, func(a, b v1alpha1.EndpointStatus) int {
		return cmp.Or(cmp.Compare(badness(b.Discovery), badness(a.Discovery)), cmp.Compare(a.Address, b.Address))
	})
	return result[:min(len(result), maxEndpointsTold)]
}

// badness orders failures before successes, and slow answers before quick ones.
func badness(told *v1alpha1.DiscoveryStatus) time.Duration {
	switch {
	case told == nil:
		return 0
	case told.Error != "":
		return time.Duration(1<<63 - 1)
	default:
		return told.Last.Duration
	}
}

// describeWorst tells of the worst of the samples that match: a failed one before all others.
func describeWorst(last discovery.Round, match func(discovery.Key) bool) *v1alpha1.DiscoveryStatus {
	var worst discovery.Sample
	var record discovery.Record
	found := false
	for key, sample := range last.Results {
		if match(key) && (!found || discovery.CompareBadness(sample, worst) > 0) {
			worst, record, found = sample, last.Records[key], true
		}
	}
	if !found {
		return nil
	}
	told := &v1alpha1.DiscoveryStatus{Samples: int32(record.Samples)} //nolint:gosec // up to 100
	if record.Samples > 0 {
		told.P50, told.P99, told.Max = rounded(record.P50), rounded(record.P99), rounded(record.Max)
	}
	if worst.Err != nil {
		told.Error = shorten(worst.Err.Error(), maxErrorLength)
	} else {
		told.Last = rounded(worst.Latency)
	}
	return told
}

func rounded(duration time.Duration) *metav1.Duration {
	return &metav1.Duration{Duration: duration.Round(roundTo)}
}

// onlyNoise tells whether the two differ in nothing but figures that did not move so much that anybody would act on it.
// When there is something else to tell, all figures are brought up to date with it.
func onlyNoise(before, after *v1alpha1.ExtensionAPIStatus, limit time.Duration) bool {
	figures := figuresOf(before)
	for name, told := range figuresOf(after) {
		if earlier, found := figures[name]; !found || moved(earlier, told, limit) {
			return false
		}
	}
	return equality.Semantic.DeepEqual(withoutFigures(before), withoutFigures(after))
}

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

// withoutFigures leaves out the figures, and the order of the endpoints, which follows from them.
func withoutFigures(status *v1alpha1.ExtensionAPIStatus) *v1alpha1.ExtensionAPIStatus {
	bare := status.DeepCopy()
	bare.DiscoveryLatency = nil
	for i := range bare.APIServices {
		bare.APIServices[i].Discovery = nil
	}
	for i := range bare.Endpoints {
		bare.Endpoints[i].Discovery = nil
	}
	slices.SortFunc(bare.Endpoints, func(a, b v1alpha1.EndpointStatus) int { return cmp.Compare(a.Address, b.Address) })
	return bare
}

// moved tells whether a figure moved so much that somebody would act on it.
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
		if pair[0] != nil && pair[1] != nil && discovery.LatencyMoved(pair[0].Duration, pair[1].Duration, limit) {
			return true
		}
	}
	return false
}
