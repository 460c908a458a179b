// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// interception are the classes of failures that a proxy in front of the server can cause.
var interception = []discovery.Class{
	discovery.ClassUnreachable, discovery.ClassUntrusted, discovery.ClassWrongName, discovery.ClassExpired,
	discovery.ClassOther,
}

// explainedByInjected explains that no connection to a ready replica could be made by a container that is injected into
// the Pods, if there is one.
func explainedByInjected(
	s *snapshot.Snapshot, found finding.Finding, groupVersion schema.GroupVersion,
) finding.Finding {
	isIntercepted := func(replica discovery.Replica) bool {
		record := s.Probes.Records[discovery.AtEndpoint(replica, groupVersion)]
		failure, ok := errors.AsType[*discovery.ProbeError](record.Last.Err)
		return ok && slices.Contains(interception, failure.Class)
	}
	if s.Spec.Server == nil {
		return found
	}
	server := workload.State{Workload: manifests.ServerOf(s.ExtensionAPI), Pods: s.Server.Value().Pods}
	return server.ExplainedByInjected(found, func(pod corev1.Pod) bool {
		return slices.ContainsFunc(s.Replicas(), func(r discovery.Replica) bool {
			return r.Pod == pod.Name && isIntercepted(r)
		})
	})
}
