// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// waitingReasons maps the kubelet's reasons for a container that cannot start (pkg/kubelet/images/types.go,
// pkg/kubelet/kuberuntime) to the operator's, with what to do next.
var waitingReasons = map[string]struct{ reason, advice string }{
	"ErrImagePull":               {v1alpha1.ReasonImagePullBackOff, "Check the image name and the pull secrets"},
	"ImagePullBackOff":           {v1alpha1.ReasonImagePullBackOff, "Check the image name and the pull secrets"},
	"InvalidImageName":           {v1alpha1.ReasonImagePullBackOff, "Correct the image name"},
	"ErrImageNeverPull":          {v1alpha1.ReasonImagePullBackOff, "Load it onto the node, or change its pull policy"},
	"CreateContainerConfigError": {v1alpha1.ReasonCreateContainerError, "Correct {field}.template"},
	"CreateContainerError":       {v1alpha1.ReasonCreateContainerError, "Correct {field}.template"},
	"RunContainerError":          {v1alpha1.ReasonCreateContainerError, "Correct {field}.template"},
}

// podProblem returns the first problem that a Pod of the newest revision shows.
func (s State) podProblem() finding.Finding {
	for _, pod := range s.newest() {
		if found := schedulingProblem(&pod); found.Found() {
			return found
		}
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			cause, _ := s.causeOf(&pod)
			if found := containerProblem(&pod, status, cause); found.Found() {
				return found
			}
		}
	}
	if found := s.pendingProblem(); found.Found() {
		return found
	}
	for _, pod := range s.newest() {
		if cause, known := s.causeOf(&pod); known {
			if found := unreadyProblem(&pod, cause); found.Found() {
				return found
			}
		}
	}
	return finding.Finding{}
}

// Problem is found of Pods that run in something other than a Deployment, which field declares.
func Problem(pods []corev1.Pod, causes map[types.UID]Cause, field string) finding.Finding {
	s := State{Workload: manifests.Workload{Field: field}, Pods: pods, Causes: causes}
	return s.located(s.podProblem())
}

// causeOf is why a Pod is not ready, if that was looked for since it is not.
func (s State) causeOf(pod *corev1.Pod) (cause Cause, known bool) {
	since := UnreadySince(pod)
	cause, looked := s.Causes[pod.UID]
	if !looked || since.IsZero() || !since.Equal(cause.Since) {
		return Cause{}, false
	}
	return cause, true
}

// newest are the Pods of the newest revision, in the order of their names, without those that are terminating or have
// ended.
func (s State) newest() []corev1.Pod {
	revision := newestRevision(s.Pods)
	sorted := slices.SortedFunc(slices.Values(s.Pods), func(a, b corev1.Pod) int {
		return strings.Compare(a.Name, b.Name)
	})
	return slices.DeleteFunc(sorted, func(pod corev1.Pod) bool {
		isOther := pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] != revision
		return isOther || pod.DeletionTimestamp != nil || hasEnded(&pod)
	})
}

// refusedPods advises by what the cluster refuses Pods for.
func refusedPods(message string, progress finding.Progress) finding.Finding {
	remedy := "Change what rejects the Pods"
	switch {
	case strings.Contains(message, "exceeded quota"):
		remedy = "Raise the quota, or lower the resources of the template"
	case strings.Contains(message, "error looking up service account"):
		remedy = "Create the ServiceAccount, or correct {field}.template.spec.serviceAccountName"
	}
	return finding.Bad(v1alpha1.ReasonFailedCreate, excerpt.Quote(message), progress).Alarming().Advising(remedy)
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

func containerProblem(pod *corev1.Pod, status corev1.ContainerStatus, cause Cause) finding.Finding {
	if found := architectureProblem(pod, status); found.Found() {
		return found
	}
	if waiting := status.State.Waiting; waiting != nil {
		if known, found := waitingReasons[waiting.Reason]; found {
			return finding.Bad(known.reason, fmt.Sprintf("Pod %s, container %s: %s: %s",
				pod.Name, status.Name, waiting.Reason, excerpt.Quote(waiting.Message)), finding.Working).
				Alarming().Advising(known.advice)
		}
	}
	terminated := status.State.Terminated
	if terminated == nil {
		terminated = status.LastTerminationState.Terminated
	}
	// An init container that has completed is ready; a server that terminated is not, whatever its exit code.
	if terminated == nil || status.Ready {
		return finding.Finding{}
	}
	// Its last output is for those who may read its log: it may be secret, and this message shows in the whole cluster.
	evidence := fmt.Sprintf("Pod %s, container %s terminated with exit code %d (%s)",
		pod.Name, status.Name, terminated.ExitCode, excerpt.Quote(terminated.Reason))
	if event, found := eventOf(cause, probeFailed); found && slices.Contains(killedCodes, terminated.ExitCode) {
		evidence += "; " + withoutOutput(event.Message)
	}
	return finding.Bad(v1alpha1.ReasonCrashLoopBackOff, evidence, finding.Working).
		Alarming().
		Advising(terminatedRemedy(terminated) + fmt.Sprintf("kubectl -n %s logs %s -c %s --previous",
			pod.Namespace, pod.Name, status.Name))
}

// killedCodes are those of a server that the kubelet stopped because a probe failed: it shut down in time, or was
// killed.
var killedCodes = []int32{0, 137, 143}

// terminatedRemedy ends where the command to see the log follows.
func terminatedRemedy(terminated *corev1.ContainerStateTerminated) string {
	switch {
	case terminated.Reason == "OOMKilled":
		return "Raise its memory limit in {field}.template, or see what it needs memory for: "
	case terminated.ExitCode == 0:
		return "The process completed by itself, or stopped when a failing probe had it restarted; see its log: "
	default:
		return "See its log: "
	}
}
