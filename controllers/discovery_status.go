// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"fmt"
	"slices"
	"time"

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

// describeDiscovery fills in the latencies. What was told before stays while it has not moved enough to matter.
func describeDiscovery(s *scope, last discovery.Round, limit time.Duration) {
	s.Status.DiscoveryLatency = nil
	for i := range s.Status.APIServices {
		told := &s.Status.APIServices[i]
		sample, found := slowest(last.Results, func(key discovery.Key) bool {
			return key.View == discovery.ViewKubeAPIServer && manifests.APIServiceName(key.GroupVersion) == told.Name
		})
		told.Discovery = describeSample(told.Discovery, sample, found, limit)
		if d := told.Discovery; d != nil && d.Last != nil {
			if s.Status.DiscoveryLatency == nil || d.Last.Duration > s.Status.DiscoveryLatency.Duration {
				s.Status.DiscoveryLatency = d.Last
			}
		}
	}
	s.Status.Endpoints = describeEndpoints(s, last, limit)
}

// describeEndpoints tells of the worst endpoints first.
func describeEndpoints(s *scope, last discovery.Round, limit time.Duration) []v1alpha1.EndpointStatus {
	before := map[string]*v1alpha1.DiscoveryStatus{}
	for _, earlier := range s.before.Status.Endpoints {
		before[earlier.Address] = earlier.Discovery
	}
	var result []v1alpha1.EndpointStatus
	for _, endpoint := range s.endpoints {
		sample, found := slowest(last.Results, func(key discovery.Key) bool {
			return key.View == discovery.ViewEndpoint && key.Address == endpoint.Address
		})
		result = append(result, v1alpha1.EndpointStatus{
			Address:   endpoint.Address,
			Pod:       endpoint.Pod,
			Discovery: describeSample(before[endpoint.Address], sample, found, limit),
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

// slowest returns the worst of the samples that match: a failed one before all others.
func slowest(results discovery.Results, match func(discovery.Key) bool) (worst discovery.Sample, found bool) {
	for key, sample := range results {
		if !match(key) {
			continue
		}
		if !found || worse(sample, worst) {
			worst = sample
		}
		found = true
	}
	return worst, found
}

func worse(a, b discovery.Sample) bool {
	if (a.Err != nil) != (b.Err != nil) {
		return a.Err != nil
	}
	if a.Err != nil {
		return a.Err.Error() < b.Err.Error()
	}
	return a.Latency > b.Latency
}

func describeSample(
	told *v1alpha1.DiscoveryStatus, sample discovery.Sample, found bool, limit time.Duration,
) *v1alpha1.DiscoveryStatus {
	if !found {
		return nil
	}
	if sample.Err != nil {
		return &v1alpha1.DiscoveryStatus{Error: shorten(sample.Err.Error(), maxErrorLength)}
	}
	if told != nil && told.Last != nil && !discovery.Moved(discovery.Sample{Latency: told.Last.Duration}, sample, limit) {
		return told
	}
	return &v1alpha1.DiscoveryStatus{Last: &metav1.Duration{Duration: sample.Latency.Round(roundTo)}}
}

// discoveryVerdict judges what clients feel: the requests through kube-apiserver.
func discoveryVerdict(apiServices []v1alpha1.APIServiceStatus, limit time.Duration) verdict {
	if len(apiServices) == 0 {
		return unknown(v1alpha1.ReasonNotAvailable, "no group-version is registered, see Registered")
	}
	for _, told := range apiServices {
		if v, decided := groupVersionVerdict(told, limit); decided {
			return v
		}
	}
	return good(v1alpha1.ReasonWithinLimit, fmt.Sprintf("every group-version answered discovery within %s", limit))
}

func groupVersionVerdict(told v1alpha1.APIServiceStatus, limit time.Duration) (v verdict, decided bool) {
	switch {
	case told.Available != metav1.ConditionTrue:
		return unknown(v1alpha1.ReasonNotAvailable, fmt.Sprintf(
			"%s is not available, so kube-apiserver does not ask the server; see Available", told.Name)), true
	case told.Discovery == nil:
		return unknown(v1alpha1.ReasonProbing, "waiting for the first answer of "+told.Name), true
	case told.Discovery.Error != "":
		return unknown(v1alpha1.ReasonDiscoveryFailed, fmt.Sprintf(
			"discovery of %s through kube-apiserver failed: %s; see status.endpoints for each replica",
			told.Name, told.Discovery.Error)), true
	case told.Discovery.Last.Duration > limit:
		return bad(v1alpha1.ReasonLimitExceeded, fmt.Sprintf(
			"discovery of %s through kube-apiserver took %s, the limit is %s; compare with status.endpoints to find the "+
				"replica that is slow", told.Name, told.Discovery.Last.Duration, limit), working), true
	default:
		return verdict{}, false
	}
}
