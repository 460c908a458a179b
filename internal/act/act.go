// SPDX-License-Identifier: Apache-2.0

// Package act executes plans, or dry-runs them while spec.suspend is true: nothing else looks at that. It returns what
// came of a plan, and decides nothing but what has to be checked once more against kube-apiserver at that moment. Only
// controllers import it.
package act

import (
	"context"

	"k8s.io/utils/clock"
	"k8s.io/utils/keymutex"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/background"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/sourcewatch"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

// Actor executes plans.
type Actor struct {
	Client client.Client
	// Live reads around the cache.
	Live client.Reader
	// Applier has no owner; each plan has its own.
	Applier  *apply.Applier
	Observer *observe.Observer
	Prober   *discovery.Prober
	// Sources watches objects that hold certificates or CAs and do not have the owner label.
	Sources        *sourcewatch.Watcher
	KubeAPIServers *aggregation.KubeAPIServers
	Layer          *aggregation.Layer
	// What takes long runs in the background.
	Handshakes     *background.Checks[observe.Handshakes]
	Configurations *background.Checks[aggregation.Configuration]
	Causes         *background.Checks[observe.Causes]
	Objects        *background.Checks[objects.Result]
	Storage        *background.Checks[storage.Look]
	Counts         *background.Checks[[]aggregation.Objects]
	Served         *background.Checks[StillServed]
	Documents      *background.Checks[Documents]
	Clock          clock.PassiveClock
	// Images are those of what is run for the storage of servers.
	Images manifests.Images
	// Ejected is called with the name of an ExtensionAPI for each replica that is ejected.
	Ejected func(name string)
	// Switched is called for each APIService that is led to the stand-in, or back to the server.
	Switched func(name string, toStandIn bool)
	// Registering is locked for a group while something new is registered in it.
	Registering keymutex.KeyMutex
}

// execution is of one plan.
type execution struct {
	*Actor
	s       *snapshot.Snapshot
	applier *apply.Applier
	out     plan.Outcome
}

// Do executes a plan. A part that fails holds up no other one.
func (a *Actor) Do(ctx context.Context, s *snapshot.Snapshot, p plan.Plan) plan.Outcome {
	withheld, contentions := &apply.Withheld{}, &apply.Contentions{}
	e := &execution{Actor: a, s: s, applier: a.For(s.ExtensionAPI).Reporting(contentions)}
	e.out.DryRun = s.Spec.Suspend
	if e.out.DryRun {
		e.applier = e.applier.Withholding(withheld)
	}
	e.lookAtLayer(p)
	e.lookForCauses(p.Unready)
	e.out.Failed = plan.Failures{
		Certificates: e.certificates(ctx, p.Certificates),
		Storage:      e.storage(ctx, p.Storage),
		Server:       e.server(ctx, p.Server),
		Controllers:  e.controllers(ctx, p.Controllers),
		Monitoring:   e.monitoring(ctx, p.Server),
		Registration: e.registration(ctx, p.Registration),
		Ejection:     e.eject(ctx, p.Ejection),
		Documents:    e.documents(ctx, p.Documents),
	}
	if p.Probe != nil {
		a.Prober.Track(ctx, s.Name, *p.Probe)
	}
	e.checkObjects(p)
	for _, contention := range contentions.All() {
		e.note(fought(contention))
	}
	e.out.Withheld = withheld.Names()
	return e.out
}

// For returns an Applier that writes the objects of an ExtensionAPI and no others.
func (a *Actor) For(extensionAPI *v1alpha1.ExtensionAPI) *apply.Applier {
	return a.Applier.For(ownership.IdentityOf(extensionAPI))
}

// Forget leaves nothing in memory of an ExtensionAPI.
func (a *Actor) Forget(name string) {
	a.StopWatching(name)
	a.Served.Forget(name)
	a.Counts.Forget(name)
}

// StopWatching ends what goes on for an ExtensionAPI, but for what its teardown depends on.
func (a *Actor) StopWatching(name string) {
	a.Prober.Forget(name)
	a.Sources.Forget(name)
	a.Handshakes.Forget(name)
	a.Configurations.Forget(name)
	a.Causes.Forget(name)
	a.Documents.Forget(name)
	a.Objects.Forget(name)
	a.Storage.Forget(name)
}

func (e *execution) note(n finding.Note) { e.out.Notes = append(e.out.Notes, n) }
