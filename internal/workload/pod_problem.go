// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

// waitingReasons maps the kubelet's reasons for a container that cannot start (pkg/kubelet/images/types.go,
// pkg/kubelet/kuberuntime) to the operator's, with what to do next.
var waitingReasons = map[string]struct{ reason, advice string }{
	"ErrImagePull":               {v1alpha1.ReasonImagePullFailed, "check the image name and the pull secrets"},
	"ImagePullBackOff":           {v1alpha1.ReasonImagePullFailed, "check the image name and the pull secrets"},
	"InvalidImageName":           {v1alpha1.ReasonImagePullFailed, "correct the image name"},
	"ErrImageNeverPull":          {v1alpha1.ReasonImagePullFailed, "load it onto the node, or change its pull policy"},
	"CreateContainerConfigError": {v1alpha1.ReasonContainerConfigError, "correct the template"},
	"CreateContainerError":       {v1alpha1.ReasonContainerConfigError, "correct the template"},
	"RunContainerError":          {v1alpha1.ReasonContainerConfigError, "correct the template"},
}

// podProblem returns the first problem that a Pod of the newest revision shows, in the order of their names; empty when
// there is none.
func podProblem(pods []corev1.Pod) (reason, message string) {
	revision := newestRevision(pods)
	sorted := slices.SortedFunc(slices.Values(pods), func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	for i := range sorted {
		pod := &sorted[i]
		if pod.DeletionTimestamp != nil || pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] != revision {
			continue
		}
		if reason, message := schedulingProblem(pod); reason != "" {
			return reason, message
		}
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if reason, message := containerProblem(pod, status); reason != "" {
				return reason, message
			}
		}
	}
	return "", ""
}

// newestRevision is that of the youngest Pod: an older one may still show a problem that its template no longer has.
func newestRevision(pods []corev1.Pod) string {
	if len(pods) == 0 {
		return ""
	}
	youngest := slices.MaxFunc(pods, func(a, b corev1.Pod) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return youngest.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
}

func schedulingProblem(pod *corev1.Pod) (reason, message string) {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Reason == corev1.PodReasonUnschedulable {
			return v1alpha1.ReasonUnschedulable, fmt.Sprintf("Pod %s: %s", pod.Name, excerpt.Quote(condition.Message))
		}
	}
	return "", ""
}

func containerProblem(pod *corev1.Pod, status corev1.ContainerStatus) (reason, message string) {
	if waiting := status.State.Waiting; waiting != nil {
		if known, found := waitingReasons[waiting.Reason]; found {
			return known.reason, fmt.Sprintf("Pod %s, container %s: %s: %s; %s",
				pod.Name, status.Name, waiting.Reason, excerpt.Quote(waiting.Message), known.advice)
		}
	}
	ended := status.State.Terminated
	if ended == nil {
		ended = status.LastTerminationState.Terminated
	}
	// An init container that has done its work is ready; a server that ended is not, whatever its exit code.
	if ended == nil || status.Ready {
		return "", ""
	}
	// Its last words are for those who may read its log: what it says may be secret, and this shows in the whole cluster.
	return v1alpha1.ReasonCrashing, fmt.Sprintf(
		"Pod %[2]s, container %[3]s ended with exit code %[4]d (%[5]s); see its log: kubectl -n %[1]s logs %[2]s -c %[3]s "+
			"--previous", pod.Namespace, pod.Name, status.Name, ended.ExitCode, excerpt.Quote(ended.Reason))
}
