// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Obstacle is why requests for a group-version cannot be sent to the backend yet. target is what is probed.
func Obstacle(s *snapshot.Snapshot, groupVersion schema.GroupVersion, target discovery.Target) finding.Finding {
	behind, known := s.Endpoints.Get()
	switch unroutable := Unroutable(s); {
	case unroutable.Found():
		return UnroutableObstacle(unroutable)
	case !known:
		return finding.Bad(v1alpha1.ReasonRetrying, "the endpoints of the Service could not be read", finding.Working)
	case target.CABundle == nil:
		return finding.Bad(v1alpha1.ReasonWaitingForServer,
			"there is no "+missingTrust(s)+" yet, see CertificatesReady", finding.Working)
	case len(behind.Ready) == 0:
		return finding.Bad(v1alpha1.ReasonWaitingForServer, "no replica is ready yet, see ServerAvailable", finding.Working)
	case !s.Probes.Target.SameTrust(target):
		return finding.Bad(v1alpha1.ReasonProbing, "waiting for the first discovery probes", finding.Working)
	}
	if found := replicaObstacle(target, groupVersion, s.Probes.Records); found.Found() {
		return explainedByInjected(s, found, groupVersion)
	}
	return serviceObstacle(behind.Address, groupVersion, s.Probes.Records)
}

// Answers reports whether any replica that gets requests answers discovery of a group-version now, and the Service's
// address as well: less than what is required before it is registered, but clients have waited for any.
func Answers(s *snapshot.Snapshot, groupVersion schema.GroupVersion, target discovery.Target) bool {
	if !s.Endpoints.IsKnown() || target.CABundle == nil || !s.Probes.Target.SameTrust(target) {
		return false
	}
	answers := func(replica discovery.Replica) bool {
		record, found := s.Probes.Records[discovery.AtEndpoint(replica, groupVersion)]
		return !replica.Ejected && !sampleObstacle(replica.String(), record.Last, found, target.ServerName).Found()
	}
	return slices.ContainsFunc(target.Replicas, answers) &&
		!serviceObstacle(s.Endpoints.Value().Address, groupVersion, s.Probes.Records).Found()
}

// missingTrust is what there is to be before the server can be verified.
func missingTrust(s *snapshot.Snapshot) string {
	if s.Spec.ExistingService != nil {
		return "usable CA bundle"
	}
	return "serving certificate"
}

// UnroutableObstacle refers to why kube-apiserver cannot route to the Service.
func UnroutableObstacle(unroutable finding.Finding) finding.Finding {
	return finding.Bad(unroutable.Code, "kube-apiserver cannot route to the Service, see ServerAvailable", finding.Working)
}

// replicaObstacle is about the first replica that fails discovery, of those that get requests.
func replicaObstacle(
	target discovery.Target, groupVersion schema.GroupVersion, records discovery.Records,
) finding.Finding {
	for _, replica := range target.Replicas {
		if replica.Ejected {
			continue
		}
		record, found := records[discovery.AtEndpoint(replica, groupVersion)]
		if obstacle := sampleObstacle(replica.String(), record.Last, found, target.ServerName); obstacle.Found() {
			return obstacle
		}
	}
	return finding.Finding{}
}

// serviceObstacle is about the network: every replica behind the Service has answered.
func serviceObstacle(address string, groupVersion schema.GroupVersion, records discovery.Records) finding.Finding {
	if address == "" {
		return finding.Finding{}
	}
	record, found := records[discovery.AtService(address, groupVersion)]
	if found && record.Last.Err == nil {
		return finding.Finding{}
	}
	const waiting = "every ready replica answers discovery, but not yet through the Service's address %s"
	obstacle := finding.Bad(v1alpha1.ReasonServiceUnreachable, fmt.Sprintf(waiting, address), finding.Working)
	if found {
		obstacle.Evidence += fmt.Sprintf(": %v", record.Last.Err)
		obstacle.Remedy = "If this persists, inspect kube-proxy and network policies"
	}
	return obstacle
}

// sampleObstacle takes the DNS name that kube-apiserver verifies the server by. A certificate for other names is no
// failure that may pass: a user has to issue another one.
func sampleObstacle(replica string, sample discovery.Sample, found bool, serverName string) finding.Finding {
	switch {
	case !found:
		return finding.Bad(v1alpha1.ReasonProbing, fmt.Sprintf("waiting for %s to answer discovery", replica),
			finding.Working)
	case discovery.ClassOf(sample) == discovery.ClassWrongName:
		return finding.Bad(v1alpha1.ReasonCertificateForOtherName,
			fmt.Sprintf("%s fails discovery: %v", replica, sample.Err), finding.Stalled).
			Advising("Issue the server's certificate for the DNS name " + serverName +
				", which kube-apiserver verifies, and have the server serve it")
	case sample.Err != nil:
		return finding.Bad(v1alpha1.ReasonProbeFailed,
			fmt.Sprintf("%s fails discovery: %v", replica, sample.Err), finding.Working)
	case sample.Latency > discovery.AggregatorTimeout:
		return finding.Bad(v1alpha1.ReasonProbeFailed, fmt.Sprintf(
			"%s took %s to answer discovery; kube-apiserver times out after %s", replica,
			sample.Latency.Round(time.Second), discovery.AggregatorTimeout), finding.Working).
			Affecting("A registered group-version that is so slow affects the whole cluster")
	default:
		return finding.Finding{}
	}
}
