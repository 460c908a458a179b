// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/report"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
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
	if ejection.Next(ejects(s.ExtensionAPI), judged).IsEmpty() {
		return nil
	}
	// The bounds would not hold if the cache did not know yet who was ejected last, or who is left to serve.
	pods, err := r.serverPods(ctx, r.Live, s)
	if err != nil || !slices.Equal(podNames(ejection.Found(pods, s.Spec.Server)), podNames(s.ejected)) {
		return err
	}
	plan := ejection.Next(ejects(s.ExtensionAPI), stillReady(judged, pods))
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
	return extensionAPI.Spec.Server.OutlierEjection != v1alpha1.OutlierEjectionDisabled &&
		manifests.Replicas(extensionAPI) > 1
}

// judge returns the ready replicas, the worst first, and what is wrong with them by the names of their Pods.
func judge(s *scope, last discovery.Round) (judged []ejection.Replica, why map[string]string) {
	why = map[string]string{}
	worst := map[string]discovery.Sample{}
	groupVersions := servedGroupVersions(s)
	for _, replica := range replicas(s) {
		standing, sample, words := last.StandingOf(replica.Endpoint, groupVersions)
		if discovery.ClassOf(sample) == discovery.ClassUnreachable && !clientsSuffer(s, last) {
			standing = discovery.Unsettled // the network may be to blame, between the operator and the Pod alone
		}
		judged = append(judged, ejection.Replica{Pod: replica.Pod, Ejected: replica.Ejected, Standing: standing})
		worst[replica.Pod], why[replica.Pod] = sample, words
	}
	slices.SortStableFunc(judged, func(a, b ejection.Replica) int {
		return discovery.CompareBadness(worst[b.Pod], worst[a.Pod])
	})
	return judged, why
}

// stillReady drops replicas whose Pods have gone or are not ready any more.
func stillReady(judged []ejection.Replica, pods []corev1.Pod) []ejection.Replica {
	return slices.DeleteFunc(judged, func(replica ejection.Replica) bool {
		return !slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
			return pod.Name == replica.Pod && workload.IsReady(&pod)
		})
	})
}

// clientsSuffer tells whether kube-apiserver sees trouble with the server, too.
func clientsSuffer(s *scope, last discovery.Round) bool {
	return throughIsBad(s, last) || len(availableGroupVersions(s)) < len(servedGroupVersions(s))
}

// throughIsBad tells whether requests through a kube-apiserver fail.
func throughIsBad(s *scope, last discovery.Round) bool {
	isBad := func(through discovery.Subject) bool { return through.Standing == discovery.Bad }
	return slices.ContainsFunc(manifests.GroupVersions(s.ExtensionAPI), func(groupVersion schema.GroupVersion) bool {
		return slices.ContainsFunc(last.KubeAPIServersOf(groupVersion), isBad)
	})
}

func podNames(replicas []ejection.Ejected) []string {
	var names []string
	for _, replica := range replicas {
		names = append(names, replica.Pod)
	}
	return names
}

func (r *Reconciler) eject(ctx context.Context, s *scope, pod *corev1.Pod, why string) error {
	done, err := r.Applier.Patch(ctx, pod, func() { ejection.Record(pod, r.Clock.Now(), why) })
	if !done {
		return err
	}
	r.Metrics.countEjection(s.Name)
	s.notes = append(s.notes, report.Warning(v1alpha1.ReasonReplicaEjected, fmt.Sprintf(
		"Pod %[2]s answers discovery badly while another replica answers well. It was taken out of the Service, and "+
			"kube-apiserver is made to connect anew. It runs on, and is put back when it has recovered. Look at "+
			"it: kubectl -n %[1]s logs %[2]s; or delete it to have it replaced: kubectl -n %[1]s delete pod %[2]s. What is "+
			"wrong: %[3]s", pod.Namespace, pod.Name, why), pod))
	return nil
}

func (r *Reconciler) restore(ctx context.Context, s *scope, pod *corev1.Pod, reason ejection.Reason) error {
	done, err := r.Applier.Patch(ctx, pod, func() { ejection.RecordRestoration(pod) })
	if done {
		s.notes = append(s.notes, report.Normal(v1alpha1.ReasonReplicaRestored, fmt.Sprintf(
			"Pod %s was put back into the Service: %s", pod.Name, restoredSince[reason]), pod))
	}
	return err
}

var restoredSince = map[ejection.Reason]string{
	ejection.Recovered:  "it answers discovery well again",
	ejection.TooMany:    "others have left, and more than half must not be left out",
	ejection.NoneBetter: "no other replica answers discovery well, so that it helped nobody to leave it out",
	ejection.Disabled:   "replicas of this server are not to be ejected, or there is to be only one",
}
