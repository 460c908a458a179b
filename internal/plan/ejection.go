// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Ejection takes replicas out of the Service that answer discovery badly while others answer well, and restores them.
// That kube-apiserver then reconnects is up to the registration, which sees what is recorded on the Pods.
type Ejection struct {
	// Judged are the ready replicas, the worst first, and Why is what is wrong with them, by the names of their Pods.
	Judged  []ejection.Replica
	Why     map[string]string
	bounds  ejection.Bounds
	ejected []string
}

// ejects returns nil when there is nothing to eject or restore.
func ejects(s *snapshot.Snapshot) *Ejection {
	e := &Ejection{bounds: ejectionBounds(s), ejected: podNames(s.Endpoints.Value().Ejected)}
	e.Judged, e.Why = judge(s)
	if ejection.Next(e.bounds, e.Judged).IsEmpty() {
		return nil
	}
	return e
}

// Now returns what to eject and restore of the Pods that there are now: the bounds would not hold if the cache did not
// know yet who was ejected last, or who is left to serve. It is empty when others are ejected by now.
func (e *Ejection) Now(pods []corev1.Pod, server *v1alpha1.Server) ejection.Plan {
	if !slices.Equal(podNames(ejection.Found(pods, server)), e.ejected) {
		return ejection.Plan{}
	}
	return ejection.Next(e.bounds, stillReady(e.Judged, pods))
}

// ejectionBounds returns how many replicas may be ejected. During a rollout, a single replica may be two for a moment.
func ejectionBounds(s *snapshot.Snapshot) ejection.Bounds {
	server, replicas := s.Spec.Server, manifests.ServerOf(s.ExtensionAPI).Replicas(s.Server.Value().Deployment)
	return ejection.Bounds{
		Disabled:   server.OutlierEjection == v1alpha1.PolicyDisabled || replicas <= 1,
		MaxPercent: cmp.Or(server.MaxEjectionPercent, v1alpha1.DefaultMaxEjectionPercent),
	}
}

// judge returns the ready replicas, the worst first, and what is wrong with them by the names of their Pods.
func judge(s *snapshot.Snapshot) (judged []ejection.Replica, why map[string]string) {
	why = map[string]string{}
	worst := map[string]discovery.Sample{}
	served := s.Served()
	for _, replica := range s.Replicas() {
		standing, sample, evidence := s.Probes.StandingOf(replica, served)
		if discovery.ClassOf(sample) == discovery.ClassUnreachable && !diagnosis.ClientsSuffer(s) {
			standing = discovery.Unsettled // it may be due to the network between the operator and the Pod alone
		}
		judged = append(judged, ejection.Replica{Pod: replica.Pod, Ejected: replica.Ejected, Standing: standing})
		worst[replica.Pod], why[replica.Pod] = sample, evidence
	}
	slices.SortStableFunc(judged, func(a, b ejection.Replica) int {
		return discovery.CompareSeverity(worst[b.Pod], worst[a.Pod])
	})
	return judged, why
}

// stillReady drops replicas whose Pods have gone or are not ready any more.
func stillReady(judged []ejection.Replica, pods []corev1.Pod) []ejection.Replica {
	return slices.DeleteFunc(slices.Clone(judged), func(replica ejection.Replica) bool {
		return !slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
			return pod.Name == replica.Pod && workload.IsReady(&pod)
		})
	})
}

func podNames(replicas []ejection.Ejected) []string {
	var names []string
	for _, replica := range replicas {
		names = append(names, replica.Pod)
	}
	return names
}
