// SPDX-License-Identifier: Apache-2.0

// Package controllers reconciles ExtensionAPIs: it connects the packages through which data flows, observe → diagnosis
// → plan → act → report, and decides nothing itself. Deletion is another order of steps, in teardown.go.
package controllers

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/act"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/report"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Finalizer holds an ExtensionAPI until everything of it has been removed in order.
const Finalizer = "aggregation.extensionapi.dev/teardown"

// Reconciler reconciles ExtensionAPIs.
type Reconciler struct {
	// Client reads from the cache that CacheOptions describes.
	Client   client.Client
	Observer *observe.Observer
	Actor    *act.Actor
	Metrics  *report.Metrics
	// Changed reports ExtensionAPIs of which something changed that is not watched: probe results, a Secret.
	Changed <-chan event.GenericEvent
	// Later makes an ExtensionAPI be reconciled after some time, whatever its backoff is.
	Later  func(name string, after time.Duration)
	Events events.EventRecorder
	Clock  clock.PassiveClock
	// Workers is how many ExtensionAPIs are reconciled at a time.
	Workers int

	interruptions interruptions
	writes        writes
	registering   registering
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
			r.forget(request.Name) // also when its finalizer was removed by hand
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !extensionAPI.DeletionTimestamp.IsZero() {
		return result(r.teardown(ctx, extensionAPI))
	}
	withFinalizer := extensionAPI.DeepCopy()
	if controllerutil.AddFinalizer(withFinalizer, Finalizer) {
		// The patch brings a new event, and with it the next reconciliation.
		return result(0, r.Client.Patch(ctx, withFinalizer, optimisticMergeFrom(extensionAPI)))
	}
	return result(r.reconcile(ctx, extensionAPI))
}

// reconcile returns when to reconcile again, 0 for never.
func (r *Reconciler) reconcile(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (time.Duration, error) {
	r.Metrics.Begin(extensionAPI.Name, extensionAPI.Spec.Server != nil)
	observed := r.Observer.Observe(ctx, extensionAPI)
	observed.OthersRegister = r.registering.others(extensionAPI.Name)
	next, err := plan.Next(observed)
	done := r.Actor.Do(ctx, observed, next)
	conflict, err := plan.WithoutConflicts(errors.Join(observed.Err(), err, done.Failed.Err()))
	reported := report.Of(report.Reconciliation{
		Snapshot: observed, Plan: next, Outcome: done,
		Interruption: err, Interrupted: r.interruptions.since(extensionAPI.Name, err, r.Clock.Now()),
		Incomplete: conflict > 0,
	})
	r.registering.note(extensionAPI.Name, next.Registers() && !extensionAPI.Spec.Suspend)
	pause, failure := r.writeInTime(ctx, observed, reported)
	recheck := plan.Soonest(next.Recheck, done.Retry, reported.Recheck, conflict, pause)
	if err = errors.Join(err, failure); err != nil && recheck > 0 {
		r.Later(extensionAPI.Name, recheck) // the queue knows only of the backoff then
	}
	return recheck, err
}

// writeInTime writes the status if it changed, unless the last one was written only just now. It returns when to
// reconcile again: to write it, or since what was written may be a reason to act.
func (r *Reconciler) writeInTime(
	ctx context.Context, observed *snapshot.Snapshot, reported report.Report,
) (pause time.Duration, err error) {
	before := observed.ExtensionAPI
	r.send(before, reported.Done)
	if report.OnlyNoise(&before.Status, &reported.Status, before.Spec.Discovery) {
		return 0, nil
	}
	sinceLast := r.writes.since(before.Name, r.Clock.Now())
	if wait := report.Wait(&before.Status, &reported.Status, sinceLast, observed.OthersRegister); wait > 0 {
		return wait, nil
	}
	return report.Pause, r.write(ctx, before, reported)
}

// write writes the status, and then sends the Events of conditions that turned. The optimistic lock keeps an outdated
// cache from reverting what was written since.
func (r *Reconciler) write(ctx context.Context, before *v1alpha1.ExtensionAPI, reported report.Report) error {
	after := before.DeepCopy()
	after.Status = reported.Status
	if err := r.Client.Status().Patch(ctx, after, optimisticMergeFrom(before)); err != nil {
		return err
	}
	r.writes.note(after.Name, after.ResourceVersion, r.Clock.Now())
	r.send(before, reported.Turned)
	return nil
}

// action is the action of every Event: the operator only ever reconciles.
const action = "Reconcile"

func (r *Reconciler) send(extensionAPI *v1alpha1.ExtensionAPI, notes []finding.Note) {
	for _, n := range notes {
		message := excerpt.Of(n.Message, report.MaxNote)
		r.Events.Eventf(extensionAPI, n.Related, n.Type, n.Reason, action, "%s", message)
	}
}

// forget leaves nothing in memory of an ExtensionAPI.
func (r *Reconciler) forget(name string) {
	r.Actor.Forget(name)
	r.interruptions.forget(name)
	r.writes.forget(name)
	r.registering.note(name, false)
	r.Metrics.Forget(name)
}

// result is what a reconciliation returns. After a conflict it is repeated.
func result(recheck time.Duration, err error) (ctrl.Result, error) {
	retry, err := plan.WithoutConflicts(err)
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: plan.Soonest(recheck, retry)}, nil
}

func optimisticMergeFrom(before client.Object) client.Patch {
	return client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
}
