// SPDX-License-Identifier: Apache-2.0

// Package observe reads the cluster into snapshots. It changes nothing, waits for nothing but kube-apiserver, and goes
// on after what cannot be read. It imports readers, and neither what decides nor what acts.
package observe

import (
	"context"
	"errors"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/background"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

// Observer takes snapshots.
type Observer struct {
	// Client reads from the cache.
	Client client.Reader
	// Live reads around the cache: Secrets, whose data is not cached, Services of other owners, and what must not be
	// missed.
	Live  client.Reader
	Clock clock.PassiveClock
	// OperatorNamespace is where CAs are kept.
	OperatorNamespace string
	ServerNamespaces  ServerNamespaces
	// CertManager reports whether cert-manager's API may be used.
	CertManager bool

	// StandIn is nil where it is disabled.
	StandIn *StandIn

	// The results of what runs in the background.
	Prober         *discovery.Prober
	Freshness      *aggregation.Freshness
	Handshakes     *background.Checks[Handshakes]
	Configurations *background.Checks[aggregation.Configuration]
	Causes         *background.Checks[Causes]
	Objects        *background.Checks[objects.Result]
	Storage        *background.Checks[storage.Look]

	definitions definitionMemory
	endpoints   recentEndpoints
}

// Observe takes a snapshot for an ExtensionAPI.
func (o *Observer) Observe(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) *snapshot.Snapshot {
	s := o.confined(extensionAPI)
	s.Probes, s.Layer, s.Aggregated = o.Prober.Last(s.Name), o.layer(s.Name), o.aggregated(extensionAPI)
	o.namespace(ctx, s)
	s.Terminating = o.terminating(ctx)
	s.Registered, s.Claims = o.registered(ctx, extensionAPI)
	s.StandIn = o.standIn(ctx, s)
	s.StandIn.Reachable = needsStandIn(s) && o.reachable(ctx, s)
	if extensionAPI.Spec.Server == nil {
		o.existingService(ctx, s)
	} else {
		o.ownServer(ctx, s)
	}
	s.Objects = o.objects(s)
	return s
}

// ownServer reads the server that the operator runs, and what verifies it.
func (o *Observer) ownServer(ctx context.Context, s *snapshot.Snapshot) {
	if s.InReach() {
		s.Server = snapshot.Of(o.server(ctx, s.ExtensionAPI))
		s.Controllers = snapshot.Of(o.controllers(ctx, s.ExtensionAPI))
	}
	s.Storage = snapshot.Of(o.storage(ctx, s))
	s.Endpoints = o.ownEndpoints(ctx, s)
	s.Certificates = snapshot.Of(o.certificates(ctx, s))
	s.Selectors = snapshot.Of(o.selectors(ctx, s))
	s.Handshakes = o.handshakes(s)
}

// existingService reads what is behind the Service of another owner, and what verifies it.
func (o *Observer) existingService(ctx context.Context, s *snapshot.Snapshot) {
	s.Endpoints = snapshot.Of(o.existingEndpoints(ctx, s.Backend))
	s.Controllers = snapshot.Of(o.controllers(ctx, s.ExtensionAPI))
	if s.TrustsSource() {
		s.Certificates = snapshot.Of(o.trust(ctx, s))
		s.Handshakes = o.handshakes(s)
	}
}

// ObserveLeaving reads what tearing an ExtensionAPI down depends on.
func (o *Observer) ObserveLeaving(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI,
) (*snapshot.Snapshot, error) {
	s := o.confined(extensionAPI)
	o.namespace(ctx, s)
	cluster, err := o.registrations(ctx, extensionAPI, nil)
	s.Registered = snapshot.Of(registeredBy(cluster, extensionAPI), err)
	return s, errors.Join(s.Namespace.Err(), err)
}

// confined is a snapshot of which nothing was read.
func (o *Observer) confined(extensionAPI *v1alpha1.ExtensionAPI) *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		ExtensionAPI: extensionAPI, Backend: manifests.BackendOf(extensionAPI), Now: o.Clock.Now(),
	}
	if extensionAPI.Spec.Server != nil && !o.ServerNamespaces.include(s.Backend.Namespace) {
		s.OutOfReach = o.ServerNamespaces.outOfReach(s.Backend.Namespace)
	}
	return s
}
