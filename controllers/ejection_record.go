// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// ejectedAnnotation is on a Pod that the operator took out of the Service: when and why, as "TIME WORDS". It is the
// only record of it. A Pod that somebody else took out has none, and is left alone.
const ejectedAnnotation = "aggregation.extensionapi.dev/ejected"

// ejectedReplica is a ready replica that the operator took out of the Service.
type ejectedReplica struct {
	endpoints.Endpoint
	// Since is when, in whole seconds; zero when the record cannot be read.
	Since metav1.Time
	// Why is what it answered.
	Why string
}

// ejectedReplicas returns those of the Pods, in the order of their names.
func ejectedReplicas(pods []corev1.Pod, server *v1alpha1.Server) []ejectedReplica {
	var result []ejectedReplica
	for i := range pods {
		pod := &pods[i]
		if isEjected(pod) && isReady(pod) {
			since, why := ejectionOf(pod)
			result = append(result, ejectedReplica{endpointOf(pod, server), since, why})
		}
	}
	slices.SortFunc(result, func(a, b ejectedReplica) int { return cmp.Compare(a.Pod, b.Pod) })
	return result
}

// describeEjection returns nil for a Pod that gets requests.
func describeEjection(ejected []ejectedReplica, pod string) *v1alpha1.EjectionStatus {
	for _, replica := range ejected {
		if replica.Pod == pod {
			return &v1alpha1.EjectionStatus{Since: replica.Since, Message: replica.Why}
		}
	}
	return nil
}

// isEjected tells whether the operator took a Pod out of the Service.
func isEjected(pod *corev1.Pod) bool {
	_, recorded := pod.Annotations[ejectedAnnotation]
	return recorded && pod.Labels[manifests.ServingLabel] != manifests.Serving
}

func ejectionOf(pod *corev1.Pod) (since metav1.Time, why string) {
	record := pod.Annotations[ejectedAnnotation]
	moment, why, _ := strings.Cut(record, " ")
	parsed, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		return metav1.Time{}, said(record)
	}
	return metav1.NewTime(parsed), said(why)
}

// deletionCost has a ReplicaSet that is scaled down take an ejected Pod first.
const deletionCost = "-1"

// recordEjection has the Service leave the Pod out.
func recordEjection(pod *corev1.Pod, now time.Time, why string) {
	metav1.SetMetaDataLabel(&pod.ObjectMeta, manifests.ServingLabel, "false")
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, ejectedAnnotation, pki.Timestamp(now)+" "+why)
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, corev1.PodDeletionCost, deletionCost)
}

// recordRestoration has the Service select the Pod again.
func recordRestoration(pod *corev1.Pod) {
	metav1.SetMetaDataLabel(&pod.ObjectMeta, manifests.ServingLabel, manifests.Serving)
	delete(pod.Annotations, ejectedAnnotation)
	delete(pod.Annotations, corev1.PodDeletionCost)
}
