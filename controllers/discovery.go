// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// reconcileDiscovery has discovery probed and tells what came of the last probes.
func (r *Reconciler) reconcileDiscovery(_ context.Context, s *scope) error {
	target := probeTarget(s)
	r.Prober.Track(s.Name, target)
	last := r.Prober.Last(s.Name)
	limit := target.Limit
	describeDiscovery(s, last, limit)
	s.conclude(v1alpha1.ConditionDiscoveryWithinLimit, discoveryVerdict(s.Status.APIServices, limit))
	return nil
}

// probeTarget asks kube-apiserver only for what it calls available: for the rest it answers 503 by itself, at once.
func probeTarget(s *scope) discovery.Target {
	target := discovery.Target{
		GroupVersions: manifests.GroupVersions(s.ExtensionAPI),
		ServerName:    manifests.ServingHost(s.backend),
		CABundle:      s.trust,
		Interval:      s.Spec.Discovery.Interval.Duration,
		Limit:         s.Spec.Discovery.Limit.Duration,
	}
	for _, endpoint := range s.endpoints {
		target.Endpoints = append(target.Endpoints, endpoint.address)
	}
	target.Registered = availableGroupVersions(s)
	return target
}

func availableGroupVersions(s *scope) []schema.GroupVersion {
	var result []schema.GroupVersion
	for _, groupVersion := range manifests.GroupVersions(s.ExtensionAPI) {
		if s.available[manifests.APIServiceName(groupVersion)] {
			result = append(result, groupVersion)
		}
	}
	return result
}
