// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

// teardownPoll is the time between two looks at what sends no event when it is gone.
const (
	teardownPoll = 500 * time.Millisecond
	// stopPoll is longer: the end of the Deployment sends an event.
	stopPoll = 5 * time.Second
)

// teardownStep is one step of taking an ExtensionAPI down.
type teardownStep struct {
	// run returns what it waits for, empty when it is done.
	run  func(context.Context, *scope) (waitingFor string, err error)
	poll time.Duration
}

// teardown takes everything down in order: first the APIServices, and only when every kube-apiserver has dropped the
// group-versions the server, and then what the server needed to its last moment.
func (r *Reconciler) teardown(ctx context.Context, s *scope) (ctrl.Result, error) {
	r.stopWatching(s.Name)
	if !controllerutil.ContainsFinalizer(s.ExtensionAPI, Finalizer) {
		r.Metrics.forget(s.Name)
		return ctrl.Result{}, nil
	}
	if err := r.reconcileNamespace(ctx, s); err != nil {
		return s.result(err)
	}
	if s.Spec.DeletionPolicy == v1alpha1.DeletionOrphan && s.namespace == namespaceActive {
		return s.result(r.release(ctx, s))
	}
	for _, step := range []teardownStep{
		{r.unregister, teardownPoll},
		{r.awaitUnregistered, teardownPoll},
		{r.stopServer, stopPoll},
		{r.removeRest, teardownPoll},
	} {
		waitingFor, err := step.run(ctx, s)
		if err == nil && waitingFor == "" {
			continue
		}
		s.requeueAfter(step.poll)
		return s.result(errors.Join(err, r.tellTeardown(ctx, s, waitingFor, err)))
	}
	return s.result(r.end(ctx, s))
}

// end removes the finalizer of an ExtensionAPI that has been taken down, and reports what is left behind.
func (r *Reconciler) end(ctx context.Context, s *scope) error {
	if err := r.letGo(ctx, s); err != nil {
		return err
	}
	if s.outOfReach && s.namespace == namespaceActive {
		r.sendEvents(s, []report.Note{report.Warning(v1alpha1.ReasonLeftBehind, leftBehindMessage(s.ExtensionAPI), nil)})
	}
	return nil
}

func (r *Reconciler) letGo(ctx context.Context, s *scope) error {
	controllerutil.RemoveFinalizer(s.ExtensionAPI, Finalizer)
	return client.IgnoreNotFound(r.Client.Patch(ctx, s.ExtensionAPI, optimisticMergeFrom(s.before)))
}

func (r *Reconciler) tellTeardown(ctx context.Context, s *scope, waitingFor string, err error) error {
	message := "being deleted; waiting for " + waitingFor
	if err != nil {
		message = fmt.Sprintf("being deleted, but %v; it is tried again", err)
	}
	for _, conditionType := range report.Found() {
		s.conclude(conditionType, finding.Unknown(v1alpha1.ReasonDeleting, message))
	}
	s.conclude(v1alpha1.ConditionAPIServicesAvailable, finding.Bad(v1alpha1.ReasonDeleting, message, finding.Working))
	s.Status.DiscoveryLatency, s.Status.Endpoints, s.Status.ReadyReplicas = nil, nil, nil // nothing is measured any more
	s.summarize(nil, time.Time{}, r.Clock.Now())
	return client.IgnoreNotFound(r.writeStatus(ctx, s))
}

// unregister deletes the APIServices. It reads around the cache: one that was only just created must not stay behind.
func (r *Reconciler) unregister(ctx context.Context, s *scope) (string, error) {
	registered, err := r.ownAPIServices(ctx, r.Live, s)
	if err != nil {
		return "", err
	}
	apiServices := slices.Collect(maps.Values(registered))
	if s.namespace == namespaceActive && !r.warnOfUnreachable(s, apiServices, nil) {
		return "its objects to be counted", nil
	}
	left, err := r.deleteAPIServices(ctx, s, apiServices)
	return waiting("the end of the APIServices", left), err
}

// stopServer deletes what takes and serves requests, and waits for the last Pod to end.
func (r *Reconciler) stopServer(ctx context.Context, s *scope) (string, error) {
	return r.removeAll(ctx, s, inventory.GoingAt(inventory.Stop))
}

// removeRest deletes what the server needed while it ran.
func (r *Reconciler) removeRest(ctx context.Context, s *scope) (string, error) {
	return r.removeAll(ctx, s, inventory.GoingAt(inventory.AfterStop))
}

// removeAll deletes objects as far as they are in reach, and returns which of them are still there.
func (r *Reconciler) removeAll(ctx context.Context, s *scope, objects []inventory.Object) (string, error) {
	if s.Spec.Server == nil {
		return "", nil
	}
	places := r.places(s)
	var left []string
	for _, object := range objects {
		if object.IsOfCertManager() && !r.CertManager || s.outOfReach && object.IsAtServer(places) {
			continue
		}
		key := object.Key(places)
		gone, err := r.Applier.Delete(ctx, object.Kind.GroupVersionKind, key)
		if err != nil {
			return "", err
		}
		if !gone {
			left = append(left, object.Kind.Kind+" "+key.String())
		}
	}
	return waiting("the end of", left), nil
}

func (r *Reconciler) places(s *scope) inventory.Places {
	return inventory.Places{Name: s.Name, Server: s.Spec.Server.Namespace, Operator: r.OperatorNamespace}
}

func waiting(what string, left []string) string {
	if len(left) == 0 {
		return ""
	}
	return what + " " + strings.Join(left, ", ")
}
