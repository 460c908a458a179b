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

// Annotation is on a Pod that the operator took out of the Service: when and why, as "TIME WORDS". It is the
// only record of it. A Pod that another user took out has none, and is left alone.
const Annotation = "aggregation.extensionapi.dev/ejected"

// Ejected is a ready replica that the operator took out of the Service.
type Ejected struct {
	endpoints.Endpoint
	// Since is when, in whole seconds; zero when the record cannot be read.
	Since metav1.Time
	// Why is what it answered.
	Why string
}

// Found returns those of the Pods, in the order of their names.
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

// IsEjected reports whether the operator took a Pod out of the Service.
func IsEjected(pod *corev1.Pod) bool {
	_, recorded := pod.Annotations[Annotation]
	return recorded && pod.Labels[manifests.ServingLabel] != manifests.Serving
}

// RecordOf returns since when a Pod is ejected, zero when that cannot be read, and why.
func RecordOf(pod *corev1.Pod) (since metav1.Time, why string) {
	record := pod.Annotations[Annotation]
	moment, why, _ := strings.Cut(record, " ")
	parsed, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		return metav1.Time{}, excerpt.Quote(record)
	}
	return metav1.NewTime(parsed), excerpt.Quote(why)
}

// deletionCost has a ReplicaSet that is scaled down take an ejected Pod first.
const deletionCost = "-1"

// Record has the Service leave the Pod out.
func Record(pod *corev1.Pod, now time.Time, why string) {
	metav1.SetMetaDataLabel(&pod.ObjectMeta, manifests.ServingLabel, "false")
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, Annotation, pki.Timestamp(now)+" "+why)
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, corev1.PodDeletionCost, deletionCost)
}

// RecordRestoration has the Service select the Pod again.
func RecordRestoration(pod *corev1.Pod) {
	metav1.SetMetaDataLabel(&pod.ObjectMeta, manifests.ServingLabel, manifests.Serving)
	delete(pod.Annotations, Annotation)
	delete(pod.Annotations, corev1.PodDeletionCost)
}
