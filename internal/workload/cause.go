// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Cause is what is known of why a Pod is not ready, besides its status.
type Cause struct {
	// Since is since when the Pod was not ready when this was found.
	Since time.Time
	// RecreatedAccount is the name of its ServiceAccount if that was recreated after the Pod, empty otherwise.
	RecreatedAccount string
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

// hasEnded reports whether a Pod does not run any more: it was evicted, for example. Its ReplicaSet replaces it.
func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// UnreadySince is since when a Pod is not ready, zero for one that is, that is terminating, or that has ended.
func UnreadySince(pod *corev1.Pod) time.Time {
	switch ready := Readiness(pod); {
	case pod.DeletionTimestamp != nil || hasEnded(pod) || ready.Status == corev1.ConditionTrue:
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
	if cause.RecreatedAccount != "" {
		return finding.Bad(v1alpha1.ReasonUnhealthy, fmt.Sprintf("%s: its ServiceAccount %s was recreated after it, so its "+
			"token is no longer valid", subject, cause.RecreatedAccount), finding.Working).Alarming().
			Advising(fmt.Sprintf("Replace it: kubectl -n %s delete pod %s", pod.Namespace, pod.Name))
	}
	if len(cause.Readyz.Failed) > 0 {
		return finding.Bad(v1alpha1.ReasonUnhealthy, fmt.Sprintf("%s: GET /readyz fails its checks %s", subject,
			strings.Join(cause.Readyz.Failed, ", ")), finding.Working).Alarming().
			Advising(cause.Readyz.remedy(pod))
	}
	if event, found := failingProbe(pod, cause); found {
		return finding.Bad(v1alpha1.ReasonUnhealthy, subject+": "+withoutOutput(event.Message), finding.Working).Alarming().
			Advising("Check path, port and scheme of this probe in {field}.template, and its log: " + logOf(pod))
	}
	if condition := failedCondition(pod); condition != "" {
		return finding.Bad(v1alpha1.ReasonUnhealthy, subject+": its condition "+condition, finding.Working).Alarming().
			Advising(describe)
	}
	return finding.Finding{}
}

// knownFailure matches what the kubelet itself reports of a probe (k8s.io/kubernetes pkg/kubelet/prober, pkg/probe). A
// probe that runs a command adds its output, which may be secret.
var knownFailure = regexp.MustCompile(`^((?:Startup|Liveness|Readiness) probe (?:failed|errored[^:]*))` +
	`(: (?:HTTP probe failed with statuscode: \d+|Get "[^"]*": .*|dial tcp .*|timeout: .*|service unhealthy .*))?`)

// withoutOutput is an Event about a failing probe without the output of a command.
func withoutOutput(message string) string {
	return cmp.Or(excerpt.Quote(knownFailure.FindString(message)), "a probe fails")
}

// failedCondition is the condition that keeps a Pod from turning ready. Ready itself says which containers or readiness
// gates do (k8s.io/kubernetes pkg/kubelet/status/generate.go).
func failedCondition(pod *corev1.Pod) string {
	for _, conditionType := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady,
	} {
		condition := conditionOf(pod, conditionType)
		why := cmp.Or(condition.Message, condition.Reason, unexplained[conditionType])
		if condition.Status == corev1.ConditionFalse && why != "" {
			return fmt.Sprintf("%s is False: %s", conditionType, excerpt.Quote(why))
		}
	}
	return ""
}

// unexplained is what a condition means that the kubelet sets without a reason.
var unexplained = map[corev1.PodConditionType]string{
	corev1.PodReadyToStartContainers: "its sandbox and its network are not set up",
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

// failingProbe is the last Event about a probe that can still fail: a startup probe does not after it has succeeded,
// nor does any in a Pod whose containers are ready.
func failingProbe(pod *corev1.Pod, cause Cause) (event Event, found bool) {
	containers := pod.Status.ContainerStatuses
	isUnready := func(status corev1.ContainerStatus) bool { return !status.Ready }
	isStarting := func(status corev1.ContainerStatus) bool { return !ptr.Deref(status.Started, false) }
	event, found = eventOf(cause, probeFailed)
	if strings.HasPrefix(event.Message, "Startup probe") {
		return event, found && slices.ContainsFunc(containers, isStarting)
	}
	return event, found && slices.ContainsFunc(containers, isUnready)
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
	if r.Healthy {
		return "GET /healthz succeeds: a server older than the cluster may need the flag " +
			"--enable-priority-and-fairness=false; see its log: " + logOf(pod)
	}
	return "See its log: " + logOf(pod)
}

// logOf is the command for the log of the container that serves the API, or of the first one that is not ready.
func logOf(pod *corev1.Pod) string {
	container := v1alpha1.ServerContainer
	isServer := func(status corev1.ContainerStatus) bool { return status.Name == v1alpha1.ServerContainer }
	isUnready := func(status corev1.ContainerStatus) bool { return !status.Ready }
	statuses := pod.Status.ContainerStatuses
	if i := slices.IndexFunc(statuses, isUnready); i >= 0 && !slices.ContainsFunc(statuses, isServer) {
		container = statuses[i].Name
	}
	return fmt.Sprintf("kubectl -n %s logs %s -c %s", pod.Namespace, pod.Name, container)
}
