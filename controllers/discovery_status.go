// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"math"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

const (
	// roundTo is how exactly latencies are told.
	roundTo = 100 * time.Microsecond
	// maxEndpointsTold bounds status.endpoints, as the schema does.
	maxEndpointsTold = 10
)

// describeDiscovery fills in the latencies.
func describeDiscovery(s *scope, last discovery.Round) {
	s.Status.DiscoveryLatency = nil
	through := describe(last.Records, func(key discovery.Key) (name string, counts bool) {
		return manifests.APIServiceName(key.GroupVersion), key.View == discovery.ViewKubeAPIServer
	})
	for i := range s.Status.APIServices {
		told := &s.Status.APIServices[i]
		told.Discovery = through[told.Name]
		if d := told.Discovery; d != nil && d.Last != nil {
			s.Status.DiscoveryLatency = longer(s.Status.DiscoveryLatency, d.Last.Duration)
		}
	}
	s.Status.Endpoints = describeEndpoints(s, last)
}

// describeEndpoints tells of the worst endpoints first.
func describeEndpoints(s *scope, last discovery.Round) []v1alpha1.EndpointStatus {
	at := describe(last.Records, func(key discovery.Key) (endpoint endpoints.Endpoint, counts bool) {
		return endpoints.Endpoint{Address: key.Address, Pod: key.Pod},
			key.View == discovery.ViewEndpoint && key.Document == discovery.DocumentGroupVersion
	})
	var result []v1alpha1.EndpointStatus
	for _, replica := range replicas(s) {
		result = append(result, v1alpha1.EndpointStatus{
			Address:   replica.Address,
			Pod:       replica.Pod,
			Ejected:   describeEjection(s.ejected, replica.Pod),
			Discovery: at[replica.Endpoint],
		})
	}
	slices.SortStableFunc(result, func(a, b v1alpha1.EndpointStatus) int {
		return cmp.Or(cmp.Compare(badness(b.Discovery, limit(s)), badness(a.Discovery, limit(s))),
			cmp.Compare(a.Address, b.Address))
	})
	return result[:min(len(result), maxEndpointsTold)]
}

// describeEjection returns nil for a Pod that gets requests.
func describeEjection(ejected []ejection.Ejected, pod string) *v1alpha1.EjectionStatus {
	for _, replica := range ejected {
		if replica.Pod == pod {
			return &v1alpha1.EjectionStatus{Since: replica.Since, Message: replica.Why}
		}
	}
	return nil
}

// badness orders failures before successes, and slow answers before quick ones, in steps that noise seldom crosses.
func badness(told *v1alpha1.DiscoveryStatus, limit time.Duration) int {
	switch {
	case told == nil:
		return -1
	case told.Error != "":
		return math.MaxInt
	case told.P50 == nil:
		return 0
	default:
		return int(told.P50.Duration * 10 / limit)
	}
}

// describe returns the worst of each figure, and the first error, of the records that count for the same.
func describe[Subject comparable](
	records discovery.Records, of func(discovery.Key) (subject Subject, counts bool),
) map[Subject]*v1alpha1.DiscoveryStatus {
	described := map[Subject]*v1alpha1.DiscoveryStatus{}
	for _, key := range records.Keys() {
		subject, counts := of(key)
		if !counts {
			continue
		}
		if described[subject] == nil {
			described[subject] = &v1alpha1.DiscoveryStatus{}
		}
		addRecord(described[subject], records[key])
	}
	return described
}

func addRecord(told *v1alpha1.DiscoveryStatus, record discovery.Record) {
	if err := record.Failure(); err != nil && told.Error == "" {
		told.Error = err.Error()
	}
	if record.Samples > 0 {
		told.Last = longer(told.Last, record.Answered)
		told.P50, told.P99 = longer(told.P50, record.P50), longer(told.P99, record.P99)
		told.Max = longer(told.Max, record.Max)
		told.Samples = max(told.Samples, int32(record.Samples)) //nolint:gosec // up to 100
	}
}

// longer returns the longer one of both, as it is told.
func longer(told *metav1.Duration, other time.Duration) *metav1.Duration {
	if other = other.Round(roundTo); told == nil || other > told.Duration {
		return &metav1.Duration{Duration: other}
	}
	return told
}
