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

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
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
		r.sendEvents(s, []note{{corev1.EventTypeWarning, v1alpha1.ReasonLeftBehind, leftBehindMessage(s.ExtensionAPI), nil}})
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
	for _, conditionType := range append(readyWhen, v1alpha1.ConditionDiscoveryWithinLimit) {
		s.conclude(conditionType, unknown(v1alpha1.ReasonDeleting, message))
	}
	s.conclude(v1alpha1.ConditionAPIServicesAvailable, bad(v1alpha1.ReasonDeleting, message, working))
	s.Status.DiscoveryLatency, s.Status.Endpoints, s.Status.ReadyReplicas = nil, nil, nil // nothing is measured any more
	summarize(s, nil, r.Clock.Now())
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
	if s.Spec.Server == nil || s.outOfReach {
		return "", nil
	}
	server := client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: s.Name}
	return r.remove(ctx, []ownedObject{
		{appsv1.SchemeGroupVersion.WithKind("Deployment"), server},
		{policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), server},
		{corev1.SchemeGroupVersion.WithKind("Service"), server},
	})
}

// removeRest deletes what the server needed while it ran.
func (r *Reconciler) removeRest(ctx context.Context, s *scope) (string, error) {
	if s.Spec.Server == nil {
		return "", nil
	}
	clusterRoleBinding := rbacv1.SchemeGroupVersion.WithKind("ClusterRoleBinding")
	objects := []ownedObject{
		{clusterRoleBinding, client.ObjectKey{Name: manifests.AuthDelegatorName(s.Name)}},
		{clusterRoleBinding, client.ObjectKey{Name: manifests.ServerBindingName(s.Name)}},
		{
			rbacv1.SchemeGroupVersion.WithKind("RoleBinding"),
			client.ObjectKey{Namespace: manifests.AuthReaderNamespace, Name: manifests.AuthReaderName(s.Name)},
		},
		{
			corev1.SchemeGroupVersion.WithKind("Secret"),
			client.ObjectKey{Namespace: r.OperatorNamespace, Name: manifests.TrustSecretName(s.Name)},
		},
	}
	if !s.outOfReach {
		objects = slices.Concat(r.certManagerObjects(s), servingObjects(s), objects)
	}
	return r.remove(ctx, objects)
}

// servingObjects are those in the server's namespace that its Pods use to their end.
func servingObjects(s *scope) []ownedObject {
	namespace := s.Spec.Server.Namespace
	return []ownedObject{
		{
			corev1.SchemeGroupVersion.WithKind("ServiceAccount"),
			client.ObjectKey{Namespace: namespace, Name: s.Name},
		},
		{
			corev1.SchemeGroupVersion.WithKind("Secret"),
			client.ObjectKey{Namespace: namespace, Name: manifests.ServingSecretName(s.Name)},
		},
	}
}

type ownedObject struct {
	kind schema.GroupVersionKind
	key  client.ObjectKey
}

// remove deletes the objects and returns which of them are still there.
func (r *Reconciler) remove(ctx context.Context, objects []ownedObject) (string, error) {
	var left []string
	for _, object := range objects {
		gone, err := r.Applier.Delete(ctx, object.kind, object.key)
		if err != nil {
			return "", err
		}
		if !gone {
			left = append(left, object.kind.Kind+" "+object.key.String())
		}
	}
	return waiting("the end of", left), nil
}

func waiting(what string, left []string) string {
	if len(left) == 0 {
		return ""
	}
	return what + " " + strings.Join(left, ", ")
}
