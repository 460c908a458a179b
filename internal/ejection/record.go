// SPDX-License-Identifier: Apache-2.0

package ejection

import (
	"cmp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Annotation is on a Pod that the operator ejected from the Service: when and why, as "TIME REASON". It is the only
// record of that. A Pod that another client removed from the Service has none, and is left alone.
const Annotation = "aggregation.extensionapi.dev/ejected"

// Ejected is a ready replica that the operator ejected from the Service.
type Ejected struct {
	endpoints.Endpoint
	// Since is when it was ejected, in whole seconds; zero if the record cannot be parsed.
	Since metav1.Time
	// Why is the result of its probe.
	Why string
}

// Found returns the ejected ones of the Pods, sorted by name.
func Found(pods []corev1.Pod, server *v1alpha1.Server) []Ejected {
	var result []Ejected
	for i := range pods {
		pod := &pods[i]
		if IsEjected(pod) && workload.IsReady(pod) {
			since, why := RecordOf(pod)
			result = append(result, Ejected{endpoints.OfPod(pod, manifests.ServerPort(pod, server)), since, why})
		}
	}
	slices.SortFunc(result, func(a, b Ejected) int { return cmp.Compare(a.Pod, b.Pod) })
	return result
}

// IsEjected reports whether the operator ejected a Pod from the Service.
func IsEjected(pod *corev1.Pod) bool {
	_, recorded := pod.Annotations[Annotation]
	return recorded && pod.Labels[manifests.ServingLabel] != manifests.Serving
}

// RecordOf returns since when a Pod has been ejected, zero if that cannot be parsed, and why.
func RecordOf(pod *corev1.Pod) (since metav1.Time, why string) {
	record := pod.Annotations[Annotation]
	moment, why, _ := strings.Cut(record, " ")
	parsed, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		return metav1.Time{}, excerpt.Quote(record)
	}
	return metav1.NewTime(parsed), excerpt.Quote(why)
}

// deletionCost makes a ReplicaSet that is scaled down delete an ejected Pod first.
const deletionCost = "-1"

// Record removes the Pod from the Service, and records when and why.
func Record(pod *corev1.Pod, now time.Time, why string) {
	metav1.SetMetaDataLabel(&pod.ObjectMeta, manifests.ServingLabel, "false")
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, Annotation, pki.Timestamp(now)+" "+why)
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, corev1.PodDeletionCost, deletionCost)
}

// RecordRestoration restores the Pod to the Service.
func RecordRestoration(pod *corev1.Pod) {
	metav1.SetMetaDataLabel(&pod.ObjectMeta, manifests.ServingLabel, manifests.Serving)
	delete(pod.Annotations, Annotation)
	delete(pod.Annotations, corev1.PodDeletionCost)
}
