// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/act"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/report"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// stopPoll is longer than act.TeardownPoll: the end of a Deployment sends an event.
const stopPoll = 5 * time.Second

// teardownStep is one step of tearing an ExtensionAPI down. It returns what it waits for, empty when it is done.
type teardownStep struct {
	run  func(context.Context, *snapshot.Snapshot) (waitingFor string, notes []finding.Note, err error)
	poll time.Duration
}

// teardown removes everything in order: first the controllers, while their API still answers, then the APIServices, and
// only when every kube-apiserver has dropped the group-versions the server, and then what the server needed to its last
// moment. Controllers whose API does not answer hold up the server, but not the APIServices. It returns when to go on,
// 0 for never.
func (r *Reconciler) teardown(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (time.Duration, error) {
	r.Actor.StopWatching(extensionAPI.Name)
	r.registering.note(extensionAPI.Name, false)
	if !controllerutil.ContainsFinalizer(extensionAPI, Finalizer) {
		r.Metrics.Forget(extensionAPI.Name)
		return 0, nil
	}
	s, err := r.Observer.ObserveLeaving(ctx, extensionAPI)
	if err != nil {
		return 0, err
	}
	if extensionAPI.Spec.DeletionPolicy == v1alpha1.DeletionOrphan && s.IsActive() {
		return 0, r.orphan(ctx, s)
	}
	for _, step := range []teardownStep{
		{r.Actor.StopControllers, stopPoll},
		{r.Actor.Unregister, act.TeardownPoll},
		{r.Actor.AwaitUnregistered, act.TeardownPoll},
		{r.Actor.AwaitControllers, stopPoll},
		{r.Actor.Stop, stopPoll},
		{r.Actor.StopStorage, stopPoll},
		{r.Actor.RemoveRest, act.TeardownPoll},
	} {
		waitingFor, notes, err := step.run(ctx, s)
		r.send(extensionAPI, notes)
		if err != nil || waitingFor != "" {
			return step.poll, errors.Join(err, r.reportTeardown(ctx, s, waitingFor, err))
		}
	}
	return 0, r.end(ctx, s)
}

// orphan leaves everything as it is, its marks included: an ExtensionAPI of the same name may adopt it all. Only the
// stand-in ends, with what it is served from: nothing would end it later. It is not for a server whose namespace is
// being deleted or gone, where an APIService would block the deletion of every other namespace.
func (r *Reconciler) orphan(ctx context.Context, s *snapshot.Snapshot) error {
	if err := r.Actor.LeaveStandIn(ctx, s); err != nil {
		return err
	}
	if err := r.removeFinalizer(ctx, s.ExtensionAPI); err != nil {
		return err
	}
	r.send(s.ExtensionAPI, []finding.Note{report.Released(s.ExtensionAPI)})
	return nil
}

// end removes the finalizer of an ExtensionAPI that has been torn down, and reports what is left behind.
func (r *Reconciler) end(ctx context.Context, s *snapshot.Snapshot) error {
	if err := r.removeFinalizer(ctx, s.ExtensionAPI); err != nil {
		return err
	}
	if !s.InReach() && s.IsActive() {
		r.send(s.ExtensionAPI, []finding.Note{report.LeftBehind(s.ExtensionAPI)})
	}
	return nil
}

func (r *Reconciler) removeFinalizer(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) error {
	without := extensionAPI.DeepCopy()
	controllerutil.RemoveFinalizer(without, Finalizer)
	return client.IgnoreNotFound(r.Client.Patch(ctx, without, optimisticMergeFrom(extensionAPI)))
}

func (r *Reconciler) reportTeardown(
	ctx context.Context, s *snapshot.Snapshot, waitingFor string, cause error,
) error {
	message := "being deleted; waiting for " + waitingFor
	if cause != nil {
		message = fmt.Sprintf("being deleted, but %v; retrying", cause)
	}
	reported := report.OfTeardown(s, message)
	r.send(s.ExtensionAPI, reported.Done)
	if report.OnlyNoise(&s.Status, &reported.Status, s.Spec.Discovery) {
		return nil
	}
	return client.IgnoreNotFound(r.write(ctx, s.ExtensionAPI, reported))
}
