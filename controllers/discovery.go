// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// reconcileDiscovery has discovery probed and tells what came of the last probes.
func (r *Reconciler) reconcileDiscovery(ctx context.Context, s *scope) error {
	last := r.Prober.Last(s.Name)
	confirmAvailable(s, last)
	r.Prober.Track(ctx, s.Name, probeTarget(s))
	if last.Records != nil {
		// Until there are new ones, the figures stay that an earlier operator told.
		describeDiscovery(s, last)
	}
	s.conclude(v1alpha1.ConditionDiscoveryWithinLimit, discoveryVerdict(s, last, r.Freshness.Of, r.Clock.Now()))
	return nil
}

// confirmAvailable compares APIServicesAvailable with what requests meet. It turns True once they are seen to pass:
// kube-apiserver may report an APIService available a moment before it sends requests to it.
func confirmAvailable(s *scope, last discovery.Round) {
	if s.verdicts[v1alpha1.ConditionAPIServicesAvailable].Status != metav1.ConditionTrue {
		return
	}
	wasAvailable := meta.IsStatusConditionTrue(s.before.Status.Conditions, v1alpha1.ConditionAPIServicesAvailable)
	for _, groupVersion := range manifests.GroupVersions(s.ExtensionAPI) {
		if refusing, found := last.Distrusting(groupVersion); found {
			s.conclude(v1alpha1.ConditionAPIServicesAvailable, distrusted(manifests.APIServiceName(groupVersion), refusing))
			return
		}
		if !wasAvailable && !last.Passes(groupVersion) {
			s.conclude(v1alpha1.ConditionAPIServicesAvailable, finding.Unknown(v1alpha1.ReasonProbing, fmt.Sprintf(
				"%s is available; waiting for the first answer through kube-apiserver", groupVersion)))
			return
		}
	}
}

// distrusted contradicts kube-apiserver, whose check verifies no certificate before Kubernetes 1.36 (kube-aggregator
// pkg/controllers/status/remote/remote_available_controller.go), while its proxy does (pkg/apiserver/handler_proxy.go).
func distrusted(name string, kubeAPIServer discovery.Subject) finding.Finding {
	return finding.Bad(v1alpha1.ReasonCertificateUntrusted,
		fmt.Sprintf("%s reports %s as available, but does not trust the "+
			"server, and fails every request: %v; before Kubernetes 1.36 its report says nothing of the certificate; see "+
			"DiscoveryWithinLimit", kubeAPIServer.Name, name, kubeAPIServer.Last.Err), finding.Working)
}

// probeTarget asks kube-apiserver only for what it calls available: for the rest it answers 503 by itself, at once.
func probeTarget(s *scope) discovery.Target {
	return discovery.Target{
		GroupVersions: manifests.GroupVersions(s.ExtensionAPI),
		Registered:    availableGroupVersions(s),
		Replicas:      replicas(s),
		Service:       s.service,
		ServerName:    manifests.ServingHost(s.backend),
		CABundle:      s.trust,
		Awaited:       isAwaited(s),
		Policy:        policy(s),
	}
}

// isAwaited tells whether registering, or calling it available, waits for good answers.
func isAwaited(s *scope) bool {
	for _, outcome := range s.outcomes {
		if outcome.obstacle.Code != "" && !slices.Contains(unawaited, outcome.obstacle.Code) {
			return true
		}
	}
	return s.verdicts[v1alpha1.ConditionAPIServicesAvailable].Code == v1alpha1.ReasonProbing
}

// unawaited are reasons why something is not registered that no answer of the server changes.
var unawaited = []string{
	v1alpha1.ReasonNotClaimed, v1alpha1.ReasonContested, v1alpha1.ReasonSuspended,
	v1alpha1.ReasonServiceNotRoutable, v1alpha1.ReasonExternalNameNotRouted,
}

// replicas are those that are probed.
func replicas(s *scope) []discovery.Replica {
	var result []discovery.Replica
	for _, endpoint := range s.endpoints {
		result = append(result, discovery.Replica{Endpoint: endpoint})
	}
	for _, replica := range s.ejected {
		result = append(result, discovery.Replica{Endpoint: replica.Endpoint, Ejected: true, Why: replica.Why})
	}
	return discovery.Probed(result, len(manifests.GroupVersions(s.ExtensionAPI)))
}

func policy(s *scope) discovery.Policy {
	d := s.Spec.Discovery
	limit := limit(s)
	return discovery.Policy{
		Interval:         interval(s),
		Limit:            limit,
		Warning:          limit * time.Duration(cmp.Or(d.WarningPercent, v1alpha1.DefaultWarningPercent)) / 100,
		FailureThreshold: int(cmp.Or(d.FailureThreshold, v1alpha1.DefaultFailureThreshold)),
		SuccessThreshold: int(cmp.Or(d.SuccessThreshold, v1alpha1.DefaultSuccessThreshold)),
	}
}

func interval(s *scope) time.Duration {
	return ptr.Deref(s.Spec.Discovery.Interval, metav1.Duration{Duration: v1alpha1.DefaultDiscoveryInterval}).Duration
}

func limit(s *scope) time.Duration {
	return ptr.Deref(s.Spec.Discovery.Limit, metav1.Duration{Duration: v1alpha1.DefaultDiscoveryLimit}).Duration
}

func availableGroupVersions(s *scope) []schema.GroupVersion {
	return groupVersionsThat(s, registrationOutcome.isAvailable)
}

// servedGroupVersions are those that every replica should serve: the registered ones, as during a rollout old replicas
// need not serve a new one, or all of a server that is new itself.
func servedGroupVersions(s *scope) []schema.GroupVersion {
	registered := groupVersionsThat(s, func(outcome registrationOutcome) bool { return outcome.existing != nil })
	if len(registered) == 0 {
		return manifests.GroupVersions(s.ExtensionAPI)
	}
	return registered
}

func groupVersionsThat(s *scope, match func(registrationOutcome) bool) []schema.GroupVersion {
	return slices.DeleteFunc(manifests.GroupVersions(s.ExtensionAPI), func(groupVersion schema.GroupVersion) bool {
		return !match(s.outcomes[manifests.APIServiceName(groupVersion)])
	})
}
