// SPDX-License-Identifier: Apache-2.0

// Package controllers reconciles ExtensionAPIs.
//
// A reconciliation is an ordered list of phases (phases.go) over one scope, in the order of a server's life; each phase
// has a file: claim, namespace, certificates, server, endpoints, registration, discovery, ejection. Each decides with a
// pure function, acts, and leaves a finding. A phase that fails holds up only those that rest on what it finds out.
// Status is written once, at the end.
// Deletion has files of its own: teardown and release.
package controllers

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"k8s.io/utils/keymutex"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/background"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/secretwatch"
)

// Finalizer holds an ExtensionAPI until everything of it has been taken down in order.
const Finalizer = "aggregation.extensionapi.dev/teardown"

// Reconciler reconciles ExtensionAPIs.
type Reconciler struct {
	// Client reads from the cache that CacheOptions describes.
	Client client.Client
	// Live reads around the cache: Secrets, whose data is not cached, and what must not be missed.
	Live client.Reader
	// Applier has no owner before actingFor gives it one.
	Applier *apply.Applier
	Prober  *discovery.Prober
	// Secrets tells of those that hold certificates and do not carry the owner label.
	Secrets   *secretwatch.Watcher
	Metrics   *Metrics
	Freshness *aggregation.Freshness
	// Changed tells of ExtensionAPIs of which something changed that is not watched: discovery results, a Secret.
	Changed        <-chan event.GenericEvent
	KubeAPIServers *aggregation.KubeAPIServers
	Layer          *aggregation.Layer
	// What takes long runs in the background.
	Handshakes     *background.Looks[servedByPods]
	Served         *background.Looks[stillServed]
	Counts         *background.Looks[[]aggregation.Objects]
	Configurations *background.Looks[aggregation.Configuration]
	Events         events.EventRecorder
	Clock          clock.PassiveClock
	// OperatorNamespace is where certificate authorities are kept.
	OperatorNamespace string
	ServerNamespaces  ServerNamespaces
	// CertManager tells whether cert-manager's API may be used.
	CertManager bool
	// Workers is how many ExtensionAPIs are reconciled at a time.
	Workers int
	// definitionsRead, registering and interruptions are shared by all that are derived from this one.
	definitionsRead *definitionMemory
	// registering is locked for a group while something new is registered in it.
	registering   keymutex.KeyMutex
	interruptions *interruptions
}

// +kubebuilder:rbac:groups=aggregation.extensionapi.dev,resources=extensionapis,verbs=list;watch;patch
// +kubebuilder:rbac:groups=aggregation.extensionapi.dev,resources=extensionapis/status,verbs=patch

// Events about what has no namespace go to the namespace default (client-go tools/events/event_recorder.go).
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch,namespace=default,roleName="extensionapi-operator:events"

// Reconcile brings one ExtensionAPI a step nearer to its spec, or to its end.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	extensionAPI := &v1alpha1.ExtensionAPI{}
	if err := r.Client.Get(ctx, request.NamespacedName, extensionAPI); err != nil {
		if apierrors.IsNotFound(err) {
			// Somebody may have removed the finalizer.
			r.forget(request.Name)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := newScope(extensionAPI)
	if !extensionAPI.DeletionTimestamp.IsZero() {
		return r.actingFor(s).teardown(ctx, s)
	}
	if controllerutil.AddFinalizer(s.ExtensionAPI, Finalizer) {
		// The patch brings a new event, and with it the next reconciliation.
		return s.result(r.Client.Patch(ctx, s.ExtensionAPI, optimisticMergeFrom(extensionAPI)))
	}
	err := r.actingFor(s).runPhases(ctx, s)
	s.summarize(err, r.interruptions.since(s.Name, err, r.Clock.Now()), r.Clock.Now())
	return s.result(errors.Join(err, r.writeStatus(ctx, s)))
}

// forget leaves nothing in memory of an ExtensionAPI.
func (r *Reconciler) forget(name string) {
	r.stopWatching(name)
	r.Served.Forget(name)
	r.Counts.Forget(name)
	r.interruptions.forget(name)
	r.Metrics.forget(name)
}

// stopWatching ends what goes on in memory for an ExtensionAPI.
func (r *Reconciler) stopWatching(name string) {
	r.Prober.Forget(name)
	r.Secrets.Forget(name)
	r.Handshakes.Forget(name)
	r.Configurations.Forget(name)
}

func optimisticMergeFrom(before client.Object) client.Patch {
	return client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
}
