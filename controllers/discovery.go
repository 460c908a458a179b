// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// reconcileDiscovery has discovery probed and tells what came of the last probes.
func (r *Reconciler) reconcileDiscovery(ctx context.Context, s *scope) error {
	target := probeTarget(s)
	r.Prober.Track(ctx, s.Name, target)
	last := r.Prober.Last(s.Name)
	if last.Results == nil && s.before.Status.DiscoveryLatency != nil {
		// The operator has just started: what was told before stays until there is something newer.
		return nil
	}
	describeDiscovery(s, last)
	confirmAvailable(s, last.Results)
	s.conclude(v1alpha1.ConditionDiscoveryWithinLimit, keepFigures(s, discoveryVerdict(s, last, r.Freshness.Of)))
	return nil
}

// confirmAvailable holds back an Available that has just turned True until requests are seen to pass: kube-apiserver
// may report an APIService available a moment before it sends requests to it.
func confirmAvailable(s *scope, results discovery.Results) {
	if s.verdicts[v1alpha1.ConditionAvailable].status != metav1.ConditionTrue ||
		meta.IsStatusConditionTrue(s.before.Status.Conditions, v1alpha1.ConditionAvailable) {
		return
	}
	for _, groupVersion := range manifests.GroupVersions(s.ExtensionAPI) {
		if !results.Passes(groupVersion) {
			s.conclude(v1alpha1.ConditionAvailable, unknown(v1alpha1.ReasonProbing, fmt.Sprintf(
				"%s is available; waiting for the first answer through kube-apiserver", groupVersion)))
			return
		}
	}
}

// probeTarget asks kube-apiserver only for what it calls available: for the rest it answers 503 by itself, at once.
func probeTarget(s *scope) discovery.Target {
	target := discovery.Target{
		GroupVersions: manifests.GroupVersions(s.ExtensionAPI),
		Service:       s.service,
		ServerName:    manifests.ServingHost(s.backend),
		CABundle:      s.trust,
		Interval:      interval(s),
		Policy:        policy(s),
	}
	for _, endpoint := range s.endpoints {
		target.Endpoints = append(target.Endpoints, endpoint.Address)
	}
	target.Registered = availableGroupVersions(s)
	return target
}

func interval(s *scope) time.Duration {
	return ptr.Deref(s.Spec.Discovery.Interval, metav1.Duration{Duration: v1alpha1.DefaultDiscoveryInterval}).Duration
}

func limit(s *scope) time.Duration {
	return ptr.Deref(s.Spec.Discovery.Limit, metav1.Duration{Duration: v1alpha1.DefaultDiscoveryLimit}).Duration
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
