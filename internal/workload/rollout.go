// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Rollout reads a Deployment's status and, where it is not complete, the cause in the status of its Pods. The
// Deployment may come from a cache that does not have the generation that was applied last.
func Rollout(
	of manifests.Workload, deployment *appsv1.Deployment, pods []corev1.Pod, replicas int32, generation int64,
) finding.Finding {
	status := deployment.Status
	available := min(status.AvailableReplicas, replicas)
	if rolledOut(deployment, replicas, generation) {
		return finding.Good(v1alpha1.ReasonReplicasAvailable,
			fmt.Sprintf("%d of %d replicas are available", available, replicas))
	}
	cause := rolloutProblem(of, deployment, pods)
	cause.Evidence = fmt.Sprintf("%d of %d replicas are up to date, %d available: %s",
		min(status.UpdatedReplicas, replicas), replicas, available, cause.Evidence)
	if status.AvailableReplicas > 0 {
		cause.Status = metav1.ConditionTrue
	}
	return cause
}

func rolledOut(deployment *appsv1.Deployment, replicas int32, generation int64) bool {
	status := deployment.Status
	return status.ObservedGeneration >= max(generation, deployment.Generation, 1) &&
		status.UpdatedReplicas >= replicas && status.AvailableReplicas >= replicas && status.Replicas <= replicas
}

// rolloutProblem is why a rollout is not complete, as the cluster reports it.
func rolloutProblem(of manifests.Workload, deployment *appsv1.Deployment, pods []corev1.Pod) finding.Finding {
	deadline := deploymentCondition(deployment, appsv1.DeploymentProgressing)
	overdue := deadline.Status == corev1.ConditionFalse && deadline.Reason == "ProgressDeadlineExceeded"
	state := finding.Working
	if overdue {
		state = finding.Stalled
	}
	refused := deploymentCondition(deployment, appsv1.DeploymentReplicaFailure)
	if refused.Status == corev1.ConditionTrue {
		return finding.Bad(v1alpha1.ReasonFailedCreate, excerpt.Quote(refused.Message), state).Alarming().
			Advising("Raise the quota, or change what rejects the Pods")
	}
	if found := podProblem(pods); found.Found() {
		found.Progress = state
		return found
	}
	if overdue {
		return finding.Bad(v1alpha1.ReasonProgressDeadlineExceeded, excerpt.Quote(deadline.Message), state).Alarming().
			Advising(fmt.Sprintf("Inspect the Pods: kubectl -n %s describe pods -l %s",
				of.Namespace, labels.Set(of.Labels)))
	}
	if deployment.Spec.Paused {
		return finding.Bad(v1alpha1.ReasonRollingOut, "the Deployment is paused", state).
			Advising("Resume it: kubectl -n " + of.Namespace + " rollout resume deployment " + of.Name)
	}
	return finding.Bad(v1alpha1.ReasonRollingOut, "waiting for Pods to become ready", state)
}

func deploymentCondition(
	deployment *appsv1.Deployment, conditionType appsv1.DeploymentConditionType,
) appsv1.DeploymentCondition {
	for _, condition := range deployment.Status.Conditions {
		if condition.Type == conditionType {
			return condition
		}
	}
	return appsv1.DeploymentCondition{}
}
