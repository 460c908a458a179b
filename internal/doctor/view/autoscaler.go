// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// WithoutMetrics returns the condition by which an autoscaler reports that it gets no metrics, nil if it does not
// (k8s.io/kubernetes pkg/controller/podautoscaler).
func WithoutMetrics(
	autoscaler *autoscalingv2.HorizontalPodAutoscaler,
) *autoscalingv2.HorizontalPodAutoscalerCondition {
	for i := range autoscaler.Status.Conditions {
		condition := &autoscaler.Status.Conditions[i]
		if condition.Type == autoscalingv2.ScalingActive && condition.Status == corev1.ConditionFalse &&
			strings.HasPrefix(condition.Reason, "FailedGet") {
			return condition
		}
	}
	return nil
}
