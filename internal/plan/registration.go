// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Registration is what to do about the APIServices: first those that are not wanted any more, then the others.
type Registration struct {
	Retirement
	// GroupVersions are those of the spec, none while there is no namespace for the server.
	GroupVersions []GroupVersion
}

// Step is what to do about one APIService.
type Step int

const (
	// Leave means that nothing is done.
	Leave Step = iota
	// Apply means that an existing APIService is kept up.
	Apply
	// Create means that there is none of this ExtensionAPI: it is created, or adopted.
	Create
	// Unregister means that it is deleted, since kube-apiserver cannot route to its Service, and never could.
	Unregister
)

// GroupVersion is what to do about one group-version.
type GroupVersion struct {
	schema.GroupVersion
	Step
	// Name of the APIService.
	Name string
	// Existing is the ExtensionAPI's APIService, nil while there is none.
	Existing *apiregistrationv1.APIService
	// Wanted is what it should be.
	Wanted *apiregistration.APIServiceApplyConfiguration
	// Claim is who else has the group-version, and AdoptionChanges what adopting it would change.
	Claim           claims.Claim
	AdoptionChanges []v1alpha1.FieldChange
	// Obstacle is what prevents it from being registered as wanted.
	Obstacle finding.Finding
	// StandIn reports whether Wanted leads to the stand-in, and Undone is why it does not any more although the server
	// does not answer, empty otherwise.
	StandIn bool
	Undone  string
}

// Registers reports whether something is registered now, or will be as soon as the server has been probed.
func (p Plan) Registers() bool {
	return p.Registration != nil && slices.ContainsFunc(p.Registration.GroupVersions, func(g GroupVersion) bool {
		return g.Existing == nil && (g.Step == Create || g.Obstacle.Code == v1alpha1.ReasonProbing)
	})
}

// IsHeld reports whether it is not registered because another owner has it.
func (g GroupVersion) IsHeld() bool { return g.Obstacle.Code == v1alpha1.ReasonNotClaimed }

// IsMissing reports whether there is no APIService, for a reason that is known.
func (g GroupVersion) IsMissing() bool { return g.Existing == nil && g.Obstacle.Found() }

// register plans one APIService for each group-version. An APIService is created, or pointed at another backend or
// trust bundle, only after every ready replica has answered discovery under just these terms. It is never deleted and
// recreated: the garbage collector could take a group that is gone for owners that are gone.
func (p *Plan) register(s *snapshot.Snapshot, target discovery.Target) {
	registered, known := s.Registered.Get()
	if !known || !s.Claims.IsKnown() {
		return
	}
	trust := target.CABundle
	p.Reconnect = reconnection(s, trust)
	p.after(p.Reconnect.Wait)
	if trust != nil {
		trust = reconnect.Mark(trust, p.Reconnect.Last)
	}
	p.Registration = &Registration{}
	wanted := map[string]bool{}
	if s.IsActive() {
		for _, configuration := range manifests.APIServices(s.ExtensionAPI, trust) {
			wanted[*configuration.Name] = true
			p.Registration.GroupVersions = append(p.Registration.GroupVersions, p.groupVersion(s, configuration, target))
		}
	}
	if len(registered) < len(wanted) {
		p.LookAtLayer = true // so that it is known when the replicas have answered
	}
	p.Registration.Retirement = retirement(s, registered, wanted, trust)
}

// reconnection decides when kube-apiserver reconnects, because a Pod has left. Of Pods behind the Service of another
// owner nothing is known: only an earlier mark stays.
func reconnection(s *snapshot.Snapshot, trust []byte) reconnect.Moment {
	if trust == nil {
		return reconnect.Moment{}
	}
	fails := s.FailsThroughKubeAPIServer()
	for _, apiService := range s.Registered.Value() {
		fails = fails || !snapshot.IsAvailable(apiService)
	}
	return reconnect.Next(reconnect.Observed{
		Bundles: s.CABundles(),
		Pods:    s.Server.Value().Pods,
		Stays:   len(s.Endpoints.Value().Ready) > 0,
		Fails:   fails,
	}, s.Now)
}

// groupVersion plans one APIService.
func (p *Plan) groupVersion(
	s *snapshot.Snapshot, wanted *apiregistration.APIServiceApplyConfiguration, target discovery.Target,
) GroupVersion {
	of := schema.GroupVersion{Group: *wanted.Spec.Group, Version: *wanted.Spec.Version}
	g := GroupVersion{
		GroupVersion: of, Name: *wanted.Name, Wanted: wanted, Existing: s.Existing(of), Claim: s.ClaimTo(of),
	}
	if isHeld(s, g.Claim) {
		return g.Refused(s.Spec.AdoptionPolicy)
	}
	if diagnosis.IsRefusedRoute(s, g.Existing) {
		g.Step, g.Obstacle = Unregister, diagnosis.UnroutableObstacle(diagnosis.Unroutable(s))
		return g
	}
	if diagnosis.RefusesKubeAPIServer(g.Existing) {
		p.lookAtLayer(s)
	}
	switch p.backendOf(s, &g, target) {
	case toStandIn:
		g.leadToStandIn(s)
	case backToServer:
		g.leaveStandIn(s)
	default:
		p.leadToServer(s, &g, target)
	}
	return g
}

// leadToServer plans an APIService that leads to the server, once that answers.
func (p *Plan) leadToServer(s *snapshot.Snapshot, g *GroupVersion, target discovery.Target) {
	if s.StandIn.Serves(g.Existing) { // it answers
		g.leaveStandIn(s)
		return
	}
	g.Obstacle = g.obstacle(s, target)
	switch {
	case !g.Obstacle.Found():
		g.Step = Apply
	case g.Obstacle.Status == metav1.ConditionTrue:
		// It continues to trust more than it needs to, but must reconnect nevertheless.
		g.Wanted.Spec.CABundle = reconnect.WithMarkOf(g.Wanted.Spec.CABundle, g.Existing.Spec.CABundle)
		g.Step = Apply
	default:
		return
	}
	if g.Existing == nil {
		p.create(s, g)
	}
}

// create plans what has no APIService: nothing is registered where the aggregation layer is not configured.
func (p *Plan) create(s *snapshot.Snapshot, g *GroupVersion) {
	p.lookAtLayer(s)
	switch {
	case p.Certificates.Replaces() != "":
		g.Step, g.Obstacle = Leave, finding.Bad(v1alpha1.ReasonProbing,
			"the serving certificate is being replaced", finding.Working)
	case !s.Layer.Looked:
		g.Step, g.Obstacle = Leave, finding.Bad(v1alpha1.ReasonProbing,
			"waiting for the configuration of the aggregation layer to be checked", finding.Working)
	case len(s.Layer.Missing) > 0:
		g.Step, g.Obstacle = Leave, diagnosis.LayerNotConfigured(s.Layer.Missing)
	default:
		g.Step = Create
	}
}

func (p *Plan) lookAtLayer(s *snapshot.Snapshot) {
	p.LookAtLayer = true
	if len(s.Layer.Missing) > 0 {
		p.after(diagnosis.LayerRecheck) // nothing reports when it changes
	}
}

// obstacle is why an APIService must not be applied yet. Its status is True where that only continues to trust more
// than it needs to.
func (g GroupVersion) obstacle(s *snapshot.Snapshot, target discovery.Target) finding.Finding {
	if g.Existing != nil && !changesBackend(g.Existing, g.Wanted) {
		return finding.Finding{}
	}
	drops := g.Existing != nil && onlyDropsTrust(g.Existing, g.Wanted)
	if behind, known := s.Endpoints.Get(); drops && known && len(behind.Ready) == 0 {
		return finding.Finding{} // no client is affected
	}
	obstacle := diagnosis.Obstacle(s, g.GroupVersion, target)
	if drops && obstacle.Found() {
		obstacle.Status = metav1.ConditionTrue
	}
	return obstacle
}

// Refused leaves the group-version to its owner, with what adopting it would change where that is wanted.
func (g GroupVersion) Refused(policy v1alpha1.AdoptionPolicy) GroupVersion {
	what := "it"
	if g.Claim.Splits {
		what = "its group"
	}
	g.Step, g.Obstacle = Leave, NotClaimed(what, g.Claim.Owner)
	if g.Claim.Standing == claims.HeldAdoptable && policy == v1alpha1.AdoptionDryRun {
		g.AdoptionChanges = AdoptionChanges(g.Claim.APIService, g.Wanted)
	}
	return g
}

// NotClaimed is why something is not registered that another owner has.
func NotClaimed(what string, by ownership.Owner) finding.Finding {
	return finding.Bad(v1alpha1.ReasonNotClaimed, fmt.Sprintf("%s belongs to %s, see Claimed", what, by), finding.Working)
}
