// SPDX-License-Identifier: Apache-2.0

package report

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
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

const (
	// roundTo is the precision of latencies in status.
	roundTo = 100 * time.Microsecond
	// maxEndpoints bounds status.endpoints, as the schema does.
	maxEndpoints = 10
)

// describeDiscovery fills in the latencies.
func describeDiscovery(s *snapshot.Snapshot, status *v1alpha1.ExtensionAPIStatus) {
	status.DiscoveryLatency = nil
	through := describe(s.Probes.Records, func(key discovery.Key) (name string, counts bool) {
		return manifests.APIServiceName(key.GroupVersion), key.View == discovery.ViewKubeAPIServer
	})
	for i := range status.APIServices {
		described := &status.APIServices[i]
		described.Discovery = through[described.Name]
		if d := described.Discovery; d != nil && d.Last != nil {
			status.DiscoveryLatency = longer(status.DiscoveryLatency, d.Last.Duration)
		}
	}
	status.Endpoints = describeEndpoints(s)
}

// describeEndpoints returns the worst endpoints first.
func describeEndpoints(s *snapshot.Snapshot) []v1alpha1.EndpointStatus {
	at := describe(s.Probes.Records, func(key discovery.Key) (endpoint endpoints.Endpoint, counts bool) {
		return endpoints.Endpoint{Address: key.Address, Pod: key.Pod},
			key.View == discovery.ViewEndpoint && key.Document == discovery.DocumentGroupVersion
	})
	var result []v1alpha1.EndpointStatus
	for _, replica := range s.Replicas() {
		result = append(result, v1alpha1.EndpointStatus{
			Address:   replica.Address,
			Pod:       replica.Pod,
			Ejected:   describeEjection(s.Endpoints.Value().Ejected, replica.Pod),
			Discovery: at[replica.Endpoint],
		})
	}
	limit := s.Limit()
	slices.SortStableFunc(result, func(a, b v1alpha1.EndpointStatus) int {
		return cmp.Or(cmp.Compare(badness(b.Discovery, limit), badness(a.Discovery, limit)),
			cmp.Compare(a.Address, b.Address))
	})
	return result[:min(len(result), maxEndpoints)]
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
func badness(described *v1alpha1.DiscoveryStatus, limit time.Duration) int {
	switch {
	case described == nil:
		return -1
	case described.Error != "":
		return math.MaxInt
	case described.P50 == nil:
		return 0
	default:
		return int(described.P50.Duration * 10 / limit)
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

func addRecord(described *v1alpha1.DiscoveryStatus, record discovery.Record) {
	if err := record.Failure(); err != nil && described.Error == "" {
		described.Error = err.Error()
	}
	if record.Samples > 0 {
		described.Last = longer(described.Last, record.Latency)
		described.P50, described.P99 = longer(described.P50, record.P50), longer(described.P99, record.P99)
		described.Max = longer(described.Max, record.Max)
		described.Samples = max(described.Samples, int32(record.Samples)) //nolint:gosec // up to 100
	}
}

// longer returns the longer one of both, rounded.
func longer(described *metav1.Duration, other time.Duration) *metav1.Duration {
	if other = other.Round(roundTo); described == nil || other > described.Duration {
		return &metav1.Duration{Duration: other}
	}
	return described
}
