// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Cause is what is known of why a Pod is not ready, besides its status.
type Cause struct {
	// Events are the last warnings about the Pod, one of each reason, the newest first.
	Events []Event
	Readyz Readyz
}

// Event is a warning about a Pod.
type Event struct{ Reason, Message string }

// Readyz is the Pod's response to GET /readyz?verbose.
type Readyz struct {
	// Failed are the names of the checks that fail.
	Failed []string
	// Healthy reports whether GET /healthz succeeds although checks fail.
	Healthy bool
}

// UnreadyAfter is how long a Pod may be unready before its cause is looked for: a rollout starts Pods all the time.
const UnreadyAfter = 10 * time.Second

// UnreadySince is since when a Pod is not ready, zero for one that is, or that is terminating.
func UnreadySince(pod *corev1.Pod) time.Time {
	switch ready := Readiness(pod); {
	case pod.DeletionTimestamp != nil || ready.Status == corev1.ConditionTrue:
		return time.Time{}
	case ready.LastTransitionTime.IsZero():
		return pod.CreationTimestamp.Time
	default:
		return ready.LastTransitionTime.Time
	}
}

// startReasons are reasons of the kubelet and of the attach-detach controller for a container that cannot be started.
var startReasons = []string{
	v1alpha1.ReasonFailedMount, v1alpha1.ReasonFailedAttachVolume, v1alpha1.ReasonFailedMapVolume,
	v1alpha1.ReasonFailedCreatePodSandBox, v1alpha1.ReasonFailedCreatePodContainer,
}

// probeFailed is the kubelet's reason for a probe that fails.
const probeFailed = "Unhealthy"

// unreadyProblem is found of a Pod that has not become ready, or is not ready any more.
func unreadyProblem(pod *corev1.Pod, cause Cause) finding.Finding {
	subject := fmt.Sprintf("Pod %s has not been ready since %s", pod.Name, pki.Timestamp(UnreadySince(pod)))
	describe := fmt.Sprintf("See its Events: kubectl -n %s describe pod %s", pod.Namespace, pod.Name)
	if event, found := eventOf(cause, startReasons...); found && !hasStarted(pod) {
		return finding.Bad(event.Reason, subject+": "+excerpt.Quote(event.Message), finding.Working).Alarming().
			Advising(describe)
	}
	if len(cause.Readyz.Failed) > 0 {
		return finding.Bad(v1alpha1.ReasonUnhealthy, fmt.Sprintf("%s: GET /readyz fails its checks %s", subject,
			strings.Join(cause.Readyz.Failed, ", ")), finding.Working).Alarming().
			Advising(cause.Readyz.remedy(pod))
	}
	if event, found := eventOf(cause, probeFailed); found {
		return finding.Bad(v1alpha1.ReasonUnhealthy, subject+": "+excerpt.Quote(event.Message), finding.Working).Alarming().
			Advising("Check path, port and scheme of this probe in spec.server.template, and the server's log: " + logOf(pod))
	}
	if condition, found := failedCondition(pod); found {
		return finding.Bad(v1alpha1.ReasonUnhealthy, fmt.Sprintf("%s: its condition %s is %s: %s", subject, condition.Type,
			condition.Status, excerpt.Quote(cmp.Or(condition.Message, condition.Reason))), finding.Working).Alarming().
			Advising(describe)
	}
	return finding.Finding{}
}

// failedCondition is the condition that keeps a Pod from turning ready. Ready itself says which containers or readiness
// gates do (k8s.io/kubernetes pkg/kubelet/status/generate.go).
func failedCondition(pod *corev1.Pod) (condition corev1.PodCondition, found bool) {
	for _, conditionType := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady,
	} {
		if condition = conditionOf(pod, conditionType); condition.Status == corev1.ConditionFalse {
			return condition, condition.Reason != ""
		}
	}
	return condition, false
}

// hasStarted reports whether any container of a Pod runs or has run.
func hasStarted(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool {
		return status.State.Running != nil || status.LastTerminationState.Terminated != nil
	})
}

func eventOf(cause Cause, reasons ...string) (event Event, found bool) {
	i := slices.IndexFunc(cause.Events, func(event Event) bool { return slices.Contains(reasons, event.Reason) })
	if i < 0 {
		return Event{}, false
	}
	return cause.Events[i], true
}

// remedies are by what the names of checks contain (k8s.io/apiserver pkg/server, and metrics-server).
var remedies = []struct{ check, remedy string }{
	{"etcd", "Check whether its storage runs and can be reached"},
	{"priority-and-fairness", "A server older than the cluster may need the flag --enable-priority-and-fairness=false"},
	{"informer-sync", "Check the permissions of its ServiceAccount: it cannot list what it watches"},
	{"metric-storage-ready", "Check whether it can scrape the kubelets"},
}

// remedy is what to do about the first check that is known.
func (r Readyz) remedy(pod *corev1.Pod) string {
	for _, known := range remedies {
		if slices.ContainsFunc(r.Failed, func(check string) bool { return strings.Contains(check, known.check) }) {
			return known.remedy + "; see its log: " + logOf(pod)
		}
	}
	return "See its log: " + logOf(pod)
}

func logOf(pod *corev1.Pod) string {
	return fmt.Sprintf("kubectl -n %s logs %s -c %s", pod.Namespace, pod.Name, v1alpha1.ServerContainer)
}
