// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// probe plans probes and ejections, where it is known what there is to probe.
func (p *Plan) probe(s *snapshot.Snapshot, target discovery.Target) {
	if p.Registration == nil || !s.Endpoints.IsKnown() {
		return
	}
	target.Replaced = slices.ContainsFunc(p.Registration.GroupVersions, func(g GroupVersion) bool { return g.StandIn })
	target.Awaited = target.Replaced || p.awaitsAnswers(s)
	p.Probe = &target
	if s.Spec.Server != nil {
		p.Ejection = ejects(s)
	}
}

// targetOf probes through kube-apiserver only what that calls available: otherwise it answers 503 by itself, at once.
func targetOf(s *snapshot.Snapshot) discovery.Target {
	return discovery.Target{
		GroupVersions: manifests.GroupVersions(s.ExtensionAPI),
		Registered:    s.Available(),
		Replicas:      s.Replicas(),
		Service:       s.Endpoints.Value().Address,
		ServerName:    manifests.ServingHost(s.Backend),
		CABundle:      s.Trust(),
		Policy:        s.Policy(),
	}
}

// awaitsAnswers reports whether registering, or reporting it available, waits for good answers.
func (p *Plan) awaitsAnswers(s *snapshot.Snapshot) bool {
	awaited := func(g GroupVersion) bool {
		return g.Obstacle.Found() && !slices.Contains(unawaited, g.Obstacle.Code)
	}
	return slices.ContainsFunc(p.Registration.GroupVersions, awaited) || diagnosis.AwaitsAnswers(s)
}

// unawaited are reasons why something is not registered that no answer of the server changes.
var unawaited = []string{
	v1alpha1.ReasonNotClaimed, v1alpha1.ReasonContested, v1alpha1.ReasonSuspended,
	v1alpha1.ReasonServiceNotRoutable, v1alpha1.ReasonExternalNameNotRoutable,
}
