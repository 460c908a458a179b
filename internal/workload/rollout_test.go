// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/trim"
)

func deploymentWith(status appsv1.DeploymentStatus) *appsv1.Deployment {
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "wardle-system", Name: "wardle", Generation: 2}, Status: status,
	}
	deployment.Status.ObservedGeneration = 2
	return deployment
}

func progressing(status corev1.ConditionStatus, reason string) appsv1.DeploymentCondition {
	return appsv1.DeploymentCondition{
		Type: appsv1.DeploymentProgressing, Status: status, Reason: reason, Message: "ReplicaSet has timed out",
	}
}

func podWaiting(reason, message string) corev1.Pod {
	return podWith(corev1.ContainerStatus{
		Name:  "apiserver",
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	})
}

func podWith(status corev1.ContainerStatus) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "wardle-system", Name: "wardle-1"},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{status}},
	}
}

func crashed(message string, exitCode int32) corev1.Pod {
	pod := podWaiting("CrashLoopBackOff", "back-off 10s")
	pod.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
		ExitCode: exitCode, Reason: "Error", Message: message,
	}
	return pod
}

func unschedulable() corev1.Pod {
	pod := podWith(corev1.ContainerStatus{})
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
		Message: "0/1 nodes are available: 1 Insufficient cpu.",
	}}
	return pod
}

func TestARolloutThatIsNotCompleteIsReportedWithItsCause(t *testing.T) {
	complete := appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}
	half := appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1}
	surging := appsv1.DeploymentStatus{Replicas: 3, UpdatedReplicas: 2, AvailableReplicas: 2}
	none := appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2}
	overdue := none
	overdue.Conditions = []appsv1.DeploymentCondition{progressing(corev1.ConditionFalse, "ProgressDeadlineExceeded")}
	refused := appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
		Message: `pods "wardle-1" is forbidden: exceeded quota: pods`,
	}}}
	outdated := deploymentWith(complete)
	outdated.Status.ObservedGeneration = 1
	paused := deploymentWith(none)
	paused.Spec.Paused = true

	const yes, no = metav1.ConditionTrue, metav1.ConditionFalse
	const settled, working, stalled = finding.Settled, finding.Working, finding.Stalled
	tests := map[string]struct {
		deployment *appsv1.Deployment
		pods       []corev1.Pod
		status     metav1.ConditionStatus
		reason     string
		message    string
		progress   finding.Progress
	}{
		"complete":         {deploymentWith(complete), nil, yes, v1alpha1.ReasonReplicasAvailable, "2 of 2", settled},
		"not created yet":  {&appsv1.Deployment{}, nil, no, v1alpha1.ReasonRollingOut, "waiting for Pods", working},
		"not observed yet": {outdated, nil, yes, v1alpha1.ReasonRollingOut, "waiting for Pods", working},
		"half available":   {deploymentWith(half), nil, yes, v1alpha1.ReasonRollingOut, "1 available", working},
		"old Pods left":    {deploymentWith(surging), nil, yes, v1alpha1.ReasonRollingOut, "2 available", working},
		"paused":           {paused, nil, no, v1alpha1.ReasonRollingOut, "rollout resume deployment wardle", working},
		"quota exceeded":   {deploymentWith(refused), nil, no, v1alpha1.ReasonFailedCreate, "exceeded quota", working},
		"deadline exceeded": {
			deploymentWith(overdue), nil, no, v1alpha1.ReasonProgressDeadlineExceeded, "timed out", stalled,
		},
		"image not available": {
			deploymentWith(none),
			[]corev1.Pod{podWaiting("ErrImagePull", "not found")},
			no, v1alpha1.ReasonImagePullBackOff, "Pod wardle-1, container apiserver: ErrImagePull: not found", finding.Working,
		},
		"image not available for too long": {
			deploymentWith(overdue),
			[]corev1.Pod{podWaiting("ImagePullBackOff", "not found")},
			no, v1alpha1.ReasonImagePullBackOff, "pull secrets", finding.Stalled,
		},
		"a template that the kubelet rejects": {
			deploymentWith(none),
			[]corev1.Pod{podWaiting("CreateContainerConfigError", "image will run as root")},
			no, v1alpha1.ReasonCreateContainerError, "image will run as root", finding.Working,
		},
		"crashing": {
			deploymentWith(none),
			[]corev1.Pod{crashed("unknown flag:\n --nonsense", 1)},
			no, v1alpha1.ReasonCrashLoopBackOff,
			"exit code 1 (Error). See its log: kubectl -n wardle-system logs wardle-1 -c apiserver --previous", finding.Working,
		},
		"a server that exits without an error": {
			deploymentWith(none),
			[]corev1.Pod{crashed("", 0)},
			no,
			v1alpha1.ReasonCrashLoopBackOff, "exit code 0", finding.Working,
		},
		"no node fits": {
			deploymentWith(none),
			[]corev1.Pod{unschedulable()},
			no, v1alpha1.ReasonUnschedulable, "Insufficient cpu",
			finding.Working,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Rollout(State{
				Workload: server, Deployment: test.deployment, Pods: test.pods, Replicas: 2, Generation: 2,
			})
			if got.Status != test.status || got.Code != test.reason || got.Progress != test.progress {
				t.Errorf("got %+v", got)
			}
			if !strings.Contains(got.Message(), test.message) {
				t.Errorf("message %q does not contain %q", got.Message(), test.message)
			}
		})
	}
}

var server = manifests.ServerOf(declared)

var declared = &v1alpha1.ExtensionAPI{
	ObjectMeta: metav1.ObjectMeta{Name: "wardle"},
	Spec: v1alpha1.ExtensionAPISpec{
		Server:      &v1alpha1.Server{Namespace: "wardle-system"},
		Controllers: []v1alpha1.Controller{{Name: "flunders"}},
	},
}

func TestWhatWasJustAppliedIsNotRolledOutAndTheOldReplicasStillServe(t *testing.T) {
	cached := deploymentWith(appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2})
	got := Rollout(State{
		Workload: server, Deployment: cached, Pods: nil, Replicas: 2, Generation: cached.Generation + 1,
	})
	if got.Status != metav1.ConditionTrue || got.Code != v1alpha1.ReasonRollingOut || got.Progress != finding.Working {
		t.Errorf("got %+v", got)
	}
}

func TestAStalledRolloutIsReportedWithACommandThatSelectsItsPods(t *testing.T) {
	stalled := deploymentWith(appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{
		progressing(corev1.ConditionFalse, "ProgressDeadlineExceeded"),
	}})
	stalled.Spec.Selector = &metav1.LabelSelector{MatchLabels: manifests.ServerLabels(stalled.Name)}
	if _, err := trim.Object(stalled); err != nil { // as the cache has it
		t.Fatal(err)
	}
	want := "kubectl -n wardle-system describe pods -l " + labels.Set(manifests.ServerLabels("wardle")).String()
	if got := Rollout(State{
		Workload: server, Deployment: stalled, Pods: nil, Replicas: 2, Generation: 2,
	}).Message(); !strings.Contains(got, want) {
		t.Errorf("got %q, want it to contain %q", got, want)
	}
}

// Requests may still be served by old replicas.
func TestTroubleOfARolloutIsAWarningWhileReplicasAreAvailable(t *testing.T) {
	half := appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 1}
	overdue, refused := half, half
	overdue.Conditions = []appsv1.DeploymentCondition{progressing(corev1.ConditionFalse, "ProgressDeadlineExceeded")}
	refused.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "exceeded quota",
	}}
	tests := map[string]struct {
		status appsv1.DeploymentStatus
		pods   []corev1.Pod
		want   bool
	}{
		"Pods are starting":        {half, nil, false},
		"the image is missing":     {half, []corev1.Pod{podWaiting("ErrImagePull", "not found")}, true},
		"the template is rejected": {half, []corev1.Pod{podWaiting("CreateContainerError", "no such file")}, true},
		"the server crashes":       {half, []corev1.Pod{crashed("", 1)}, true},
		"no node fits":             {half, []corev1.Pod{unschedulable()}, true},
		"Pods are rejected":        {refused, nil, true},
		"the deadline is exceeded": {overdue, nil, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Rollout(State{
				Workload: server, Deployment: deploymentWith(test.status), Pods: test.pods, Replicas: 2, Generation: 2,
			})
			if got.Status != metav1.ConditionTrue || got.IsWarning() != test.want {
				t.Errorf("it is %s, and a warning: %t", got.Status, got.IsWarning())
			}
		})
	}
}

func TestAPodWithoutAProblemIsPassedOver(t *testing.T) {
	completed := podWith(corev1.ContainerStatus{Name: "init", Ready: true, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{Reason: "Completed"},
	}})
	recovered := crashed("old trouble", 1)
	recovered.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	recovered.Status.ContainerStatuses[0].Ready = true
	deleted := podWaiting("ErrImagePull", "not found")
	deleted.DeletionTimestamp = &metav1.Time{}
	starting := podWaiting("ContainerCreating", "")
	for name, pod := range map[string]corev1.Pod{
		"an init container that has completed": completed, "a server that runs again": recovered,
		"a Pod that is terminating": deleted, "a Pod that starts": starting,
	} {
		t.Run(name, func(t *testing.T) {
			if found := (State{Pods: []corev1.Pod{pod}}).podProblem(); found.Found() {
				t.Errorf("%s: %s", found.Code, found.Message())
			}
		})
	}
}

func TestAProblemOfAnOlderRevisionIsNotReported(t *testing.T) {
	older, newer := podWaiting("ErrImagePull", "not found"), podWaiting("ContainerCreating", "")
	older.Labels = map[string]string{"pod-template-hash": "a"}
	newer.Labels = map[string]string{"pod-template-hash": "b"}
	newer.CreationTimestamp = metav1.NewTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	if found := (State{Pods: []corev1.Pod{older, newer}}).podProblem(); found.Found() {
		t.Errorf("%s: %s", found.Code, found.Message())
	}
}

// Status and Events are read by others than the Pod's log.
func TestTheLastOutputOfAContainerIsNotRepeated(t *testing.T) {
	found := (State{Pods: []corev1.Pod{crashed("password 1234 is wrong", 1)}}).podProblem()
	if !found.Found() || strings.Contains(found.Message(), "1234") {
		t.Errorf("repeated in %q", found.Message())
	}
}

func TestAFindingOfAControllerNamesItsFieldAndItsContainer(t *testing.T) {
	state := State{
		Workload: manifests.ControllersOf(declared)[0], Deployment: deploymentWith(appsv1.DeploymentStatus{}), Replicas: 1,
		Pods: []corev1.Pod{podWith(corev1.ContainerStatus{
			Name: "manager", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 137, Reason: "OOMKilled",
			}},
		})},
	}
	got := Rollout(state)
	findingtest.Expect(t, got, metav1.ConditionFalse, v1alpha1.ReasonCrashLoopBackOff,
		"memory limit in spec.controllers[flunders].template, or see what it needs memory for: kubectl -n wardle-system "+
			"logs "+state.Pods[0].Name+" -c manager")
	state.Replicas = 0
	got = Rollout(state)
	findingtest.Expect(t, got, metav1.ConditionFalse, v1alpha1.ReasonScaledToZero,
		"Set spec.controllers[flunders].replicas")
	if strings.Contains(got.Message(), "namespace") {
		t.Errorf("without a controller namespaces can be deleted: %q", got.Message())
	}
}
