// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Policy is what samples are judged by.
func (s *Snapshot) Policy() discovery.Policy { return discovery.PolicyOf(s.Spec.Discovery) }

// Limit is the longest good latency.
func (s *Snapshot) Limit() time.Duration { return s.Policy().Limit }

// Replicas are those that are probed.
func (s *Snapshot) Replicas() []discovery.Replica {
	behind := s.Endpoints.Value()
	var result []discovery.Replica
	for _, endpoint := range behind.Ready {
		result = append(result, discovery.Replica{Endpoint: endpoint})
	}
	for _, replica := range behind.Ejected {
		result = append(result, discovery.Replica{Endpoint: replica.Endpoint, Ejected: true, Why: replica.Why})
	}
	return discovery.SelectReplicas(result, len(manifests.GroupVersions(s.ExtensionAPI)))
}

// FailsThroughKubeAPIServer reports whether requests through a kube-apiserver fail.
func (s *Snapshot) FailsThroughKubeAPIServer() bool {
	isBad := func(through discovery.Subject) bool { return through.Standing == discovery.Unhealthy }
	return slices.ContainsFunc(manifests.GroupVersions(s.ExtensionAPI), func(groupVersion schema.GroupVersion) bool {
		return slices.ContainsFunc(s.Probes.KubeAPIServersOf(groupVersion), isBad)
	})
}
