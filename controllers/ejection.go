// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=patch

// reconcileEjection takes replicas out of the Service that answer discovery badly while others answer well, and puts
// them back. That kube-apiserver then connects anew is up to the registration, which sees what is recorded on the Pods.
func (r *Reconciler) reconcileEjection(ctx context.Context, s *scope) error {
	if s.Spec.Server == nil {
		return nil
	}
	r.Metrics.observeEjected(s.Name, len(s.ejected))
	judged, why := judge(s, r.Prober.Last(s.Name))
	plan := ejection.Next(ejects(s.ExtensionAPI), judged)
	if plan.IsEmpty() {
		return nil
	}
	// The bounds would not hold if the cache did not know yet what was done last.
	pods, err := r.serverPods(ctx, r.Live, s)
	if err != nil || !slices.Equal(podNames(ejectedReplicas(pods, s.Spec.Server)), podNames(s.ejected)) {
		return err
	}
	var errs []error
	for i := range pods {
		switch pod := &pods[i]; {
		case slices.Contains(plan.Eject, pod.Name):
			errs = append(errs, r.eject(ctx, s, pod, why[pod.Name]))
		case slices.Contains(plan.Restore, pod.Name):
			errs = append(errs, r.restore(ctx, s, pod, plan.Reason))
		}
	}
	return errors.Join(errs...)
}

// ejects tells whether replicas are ejected at all. During a rollout, a single replica may be two for a moment.
func ejects(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return extensionAPI.Spec.Discovery.OutlierEjection != v1alpha1.OutlierEjectionDisabled &&
		manifests.Replicas(extensionAPI) > 1
}

// judge returns the ready replicas, the worst first, and what is wrong with them by the names of their Pods.
func judge(s *scope, last discovery.Round) (judged []ejection.Replica, why map[string]string) {
	why = map[string]string{}
	worst := map[string]discovery.Sample{}
	groupVersions := servedGroupVersions(s)
	for _, replica := range replicas(s) {
		standing, sample, words := last.StandingOf(replica.Endpoint, groupVersions)
		judged = append(judged, ejection.Replica{Pod: replica.Pod, Ejected: replica.Ejected, Standing: standing})
		worst[replica.Pod], why[replica.Pod] = sample, words
	}
	slices.SortStableFunc(judged, func(a, b ejection.Replica) int {
		return discovery.CompareBadness(worst[b.Pod], worst[a.Pod])
	})
	return judged, why
}

func podNames(replicas []ejectedReplica) []string {
	var names []string
	for _, replica := range replicas {
		names = append(names, replica.Pod)
	}
	return names
}

func (r *Reconciler) eject(ctx context.Context, s *scope, pod *corev1.Pod, why string) error {
	done, err := r.patchPod(ctx, pod, func() { recordEjection(pod, r.Clock.Now(), why) })
	if !done {
		return err
	}
	r.Metrics.countEjection(s.Name)
	s.notes = append(s.notes, note{corev1.EventTypeWarning, v1alpha1.ReasonReplicaEjected, fmt.Sprintf(
		"Pod %[2]s answers discovery badly while another replica answers well. It was taken out of the Service, and within "+
			"seconds kube-apiserver sends it no more requests. It runs on, and is put back when it has recovered. Look at "+
			"it: kubectl -n %[1]s logs %[2]s; or delete it to have it replaced: kubectl -n %[1]s delete pod %[2]s. What is "+
			"wrong: %[3]s", pod.Namespace, pod.Name, why)})
	return nil
}

func (r *Reconciler) restore(ctx context.Context, s *scope, pod *corev1.Pod, reason ejection.Reason) error {
	done, err := r.patchPod(ctx, pod, func() { recordRestoration(pod) })
	if done {
		s.notes = append(s.notes, note{corev1.EventTypeNormal, v1alpha1.ReasonReplicaRestored, fmt.Sprintf(
			"Pod %s was put back into the Service: %s", pod.Name, restoredSince[reason])})
	}
	return err
}

var restoredSince = map[ejection.Reason]string{
	ejection.Recovered:  "it answers discovery well again",
	ejection.NoneBetter: "no other replica answers discovery well, so that it helped nobody to leave it out",
	ejection.Disabled:   "replicas of this server are not to be ejected, or there is to be only one",
}

// patchPod changes a Pod unless somebody else has changed or deleted it; that brings another reconciliation.
func (r *Reconciler) patchPod(ctx context.Context, pod *corev1.Pod, change func()) (done bool, err error) {
	before := pod.DeepCopy()
	change()
	err = r.Client.Patch(ctx, pod, optimisticMergeFrom(before))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return false, nil
	}
	return err == nil, err
}
