// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// unscheduledReasons are those of a Pod that has no node and gets none by itself.
var unscheduledReasons = []string{corev1.PodReasonUnschedulable, corev1.PodReasonSchedulingGated}

// pendingProblem is found of a Pod of any revision that fits no node: of Pods of two revisions that were created in the
// same second, it is not known which is the newest.
func (s State) pendingProblem() finding.Finding {
	for _, pod := range s.Pods {
		if found := schedulingProblem(&pod); found.Found() && pod.DeletionTimestamp == nil {
			return found
		}
	}
	return finding.Finding{}
}

func schedulingProblem(pod *corev1.Pod) finding.Finding {
	i := slices.IndexFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.PodScheduled && slices.Contains(unscheduledReasons, condition.Reason)
	})
	if i < 0 {
		return finding.Finding{}
	}
	message := pod.Status.Conditions[i].Message
	return finding.Bad(v1alpha1.ReasonUnschedulable, fmt.Sprintf("Pod %s: %s", pod.Name, excerpt.Quote(message)),
		finding.Working).Alarming().Advising(schedulingRemedy(message))
}

// schedulingRemedy follows from the scheduler's message (k8s.io/kubernetes pkg/scheduler/framework/plugins).
func schedulingRemedy(message string) string {
	if strings.Contains(message, "didn't have free ports") {
		return "A Pod with hostNetwork or a hostPort needs a node without another one: lower {field}.replicas or add " +
			"nodes, and leave {field}.strategy out, or set its maxSurge to 0"
	}
	return ""
}
