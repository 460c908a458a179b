// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Policy is what samples are judged by.
func (s *Snapshot) Policy() discovery.Policy { return discovery.PolicyOf(s.Spec.Discovery) }

// Limit is the longest good latency.
func (s *Snapshot) Limit() time.Duration { return s.Policy().Limit }

// Replicas are those that are probed.
func (s *Snapshot) Replicas() []discovery.Replica {
	behind, since := s.Endpoints.Value(), sinceByPod(s.Server.Value().Pods)
	var result []discovery.Replica
	for _, endpoint := range behind.Ready {
		result = append(result, discovery.Replica{Endpoint: endpoint, Since: since[endpoint.Pod]})
	}
	for _, replica := range behind.Ejected {
		result = append(result, discovery.Replica{
			Endpoint: replica.Endpoint, Since: since[replica.Pod], Ejected: true, Why: replica.Why,
		})
	}
	return discovery.SelectReplicas(result, len(manifests.GroupVersions(s.ExtensionAPI)))
}

// sinceByPod returns when each Pod became ready, or one of its containers started, whichever was last.
func sinceByPod(pods []corev1.Pod) map[string]int64 {
	result := map[string]int64{}
	for i := range pods {
		since := workload.Readiness(&pods[i]).LastTransitionTime.Unix()
		for _, container := range pods[i].Status.ContainerStatuses {
			if running := container.State.Running; running != nil {
				since = max(since, running.StartedAt.Unix())
			}
		}
		result[pods[i].Name] = max(0, since)
	}
	return result
}

// FailsThroughKubeAPIServer reports whether requests through a kube-apiserver fail.
func (s *Snapshot) FailsThroughKubeAPIServer() bool {
	isBad := func(through discovery.Subject) bool { return through.Standing == discovery.Unhealthy }
	return slices.ContainsFunc(manifests.GroupVersions(s.ExtensionAPI), func(groupVersion schema.GroupVersion) bool {
		return slices.ContainsFunc(s.Probes.KubeAPIServersOf(groupVersion), isBad)
	})
}
