// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// obstacle is why a group-version cannot be sent to the backend yet.
func (r *Reconciler) obstacle(s *scope, groupVersion schema.GroupVersion) finding.Finding {
	if s.unroutable.Code != "" {
		return unroutableObstacle(s)
	}
	if !s.known.Has(endpointsKnown) {
		return finding.Bad(v1alpha1.ReasonRetrying, "the replicas behind the Service could not be read", finding.Working)
	}
	if s.trust == nil {
		return finding.Bad(v1alpha1.ReasonWaitingForServer,
			"there is no certificate yet, see CertificatesReady", finding.Working)
	}
	if len(s.endpoints) == 0 {
		return finding.Bad(v1alpha1.ReasonWaitingForServer, "no replica is ready yet, see ServerAvailable", finding.Working)
	}
	last, target := r.Prober.Last(s.Name), probeTarget(s)
	if !last.Target.SameTrust(target) {
		return finding.Bad(v1alpha1.ReasonProbing, "waiting for the first answers to discovery", finding.Working)
	}
	if v := replicaObstacle(target.Replicas, groupVersion, last.Records); v.Code != "" {
		return v
	}
	return serviceObstacle(s.service, groupVersion, last.Records)
}

// replicaObstacle speaks of the first replica that does not answer well, of those that get requests.
func replicaObstacle(
	replicas []discovery.Replica, groupVersion schema.GroupVersion, records discovery.Records,
) finding.Finding {
	for _, replica := range replicas {
		if replica.Ejected {
			continue
		}
		record, found := records[discovery.AtEndpoint(replica.Endpoint, groupVersion)]
		if v := sampleObstacle(replica.String(), record.Last, found); v.Code != "" {
			return v
		}
	}
	return finding.Finding{}
}

// serviceObstacle speaks of the network: every replica behind the Service has answered.
func serviceObstacle(address string, groupVersion schema.GroupVersion, records discovery.Records) finding.Finding {
	if address == "" {
		return finding.Finding{}
	}
	record, found := records[discovery.AtService(address, groupVersion)]
	if found && record.Last.Err == nil {
		return finding.Finding{}
	}
	message := fmt.Sprintf("every ready replica answers discovery; waiting for the Service's address %s to do so", address)
	if found {
		message += fmt.Sprintf(": %v; if that lasts, look at kube-proxy and network policies", record.Last.Err)
	}
	return finding.Bad(v1alpha1.ReasonServiceUnreachable, message, finding.Working)
}

func sampleObstacle(who string, sample discovery.Sample, found bool) finding.Finding {
	switch {
	case !found:
		return finding.Bad(v1alpha1.ReasonProbing, fmt.Sprintf("waiting for %s to answer discovery", who), finding.Working)
	case sample.Err != nil:
		return finding.Bad(v1alpha1.ReasonProbeFailed,
			fmt.Sprintf("%s fails discovery: %v", who, sample.Err), finding.Working)
	case sample.Latency > discovery.AggregatorTimeout:
		return finding.Bad(v1alpha1.ReasonProbeFailed, fmt.Sprintf(
			"%s took %s to answer discovery; kube-apiserver gives up after %s, and a registered group-version that is so "+
				"slow harms the whole cluster", who, sample.Latency.Round(time.Second), discovery.AggregatorTimeout),
			finding.Working)
	default:
		return finding.Finding{}
	}
}
