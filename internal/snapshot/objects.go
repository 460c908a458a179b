// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

// Objects are the result of a check.
type Objects struct {
	objects.Result
	// Ended is when the check ended, zero while there was none of these group-versions and Pods.
	Ended time.Time
}

// ObjectsVersion is another one when a server may answer otherwise: its group-versions, or the templates of its Pods,
// are others. Pods that are terminating count, so that it changes once more when the last old one is gone.
func (s *Snapshot) ObjectsVersion() string {
	var templates []string
	if s.Spec.Server != nil {
		pods := s.Server.Value().Pods
		for i := range pods {
			templates = append(templates, pods[i].Labels[appsv1.DefaultDeploymentUniqueLabelKey])
		}
	} else {
		for _, endpoint := range s.Endpoints.Value().Ready {
			templates = append(templates, templateOf(endpoint.Pod))
		}
	}
	slices.Sort(templates)
	var names []string
	for _, groupVersion := range s.RegisteredVersions() {
		names = append(names, groupVersion.String())
	}
	return strings.Join(names, ",") + " " + strings.Join(slices.Compact(templates), ",")
}

// templateOf returns the name of the ReplicaSet of another owner's Pod, to which its own adds a random part.
func templateOf(pod string) string { return pod[:max(0, strings.LastIndex(pod, "-"))] }
