// SPDX-License-Identifier: Apache-2.0

package workload

import (
	corev1 "k8s.io/api/core/v1"
)

// IsReady reports whether requests may be sent to a Pod.
func IsReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && Readiness(pod).Status == corev1.ConditionTrue
}

// Readiness is the condition Ready of a Pod, empty while it has none.
func Readiness(pod *corev1.Pod) corev1.PodCondition {
	return conditionOf(pod, corev1.PodReady)
}

func conditionOf(pod *corev1.Pod, conditionType corev1.PodConditionType) corev1.PodCondition {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == conditionType {
			return condition
		}
	}
	return corev1.PodCondition{}
}

// MayServe reports whether a Pod may have read a serving certificate, and requests may still be sent to it.
func MayServe(pod *corev1.Pod) bool {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return !ended && pod.Spec.NodeName != ""
}
