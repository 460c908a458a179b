// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// State is what is known of a workload.
type State struct {
	manifests.Workload
	// Deployment may come from a cache that does not have the generation that was applied last. Its zero value stands for
	// one that is not in the cache yet.
	Deployment *appsv1.Deployment
	Pods       []corev1.Pod
	// Causes are why Pods are not ready, by their UIDs, as far as that was looked for.
	Causes map[types.UID]Cause
	// Replicas are wanted.
	Replicas int32
	// Generation of the Deployment that was applied last.
	Generation int64
}

// Rollout reads the Deployment's status and, where not all replicas are available, the cause in its Pods.
func Rollout(s State) finding.Finding {
	status := s.Deployment.Status
	available := min(status.AvailableReplicas, s.Replicas)
	if s.Replicas == 0 {
		return s.scaledToZero()
	}
	if s.isRolledOut() && status.AvailableReplicas >= s.Replicas {
		return finding.Good(v1alpha1.ReasonReplicasAvailable,
			fmt.Sprintf("%d of %d replicas are available", available, s.Replicas))
	}
	problem := s.located(s.withInjected(s.problem()))
	problem.Evidence = fmt.Sprintf("%d of %d replicas are up to date, %d available: %s",
		min(status.UpdatedReplicas, s.Replicas), s.Replicas, available, problem.Evidence)
	if status.AvailableReplicas > 0 {
		problem.Status = metav1.ConditionTrue
	}
	return problem
}

func (s State) scaledToZero() finding.Finding {
	found := finding.Bad(v1alpha1.ReasonScaledToZero, "the Deployment is scaled to 0 replicas", finding.Settled).Alarming()
	if !s.IsServer() {
		return s.located(found.Affecting("The controller does nothing").Advising("Set {field}.replicas"))
	}
	return found.
		Affecting("The API is unavailable, and no namespace of the cluster can be deleted").
		Advising(fmt.Sprintf("Scale it: kubectl -n %s scale deployment %s --replicas %d; let nothing scale it below that",
			s.Namespace, s.Name, v1alpha1.DefaultReplicas))
}

// located puts the field that declares the workload where a remedy has {field}.
func (s State) located(problem finding.Finding) finding.Finding {
	problem.Remedy = strings.ReplaceAll(problem.Remedy, "{field}", s.Field)
	return problem
}

func (s State) isRolledOut() bool { return IsRolledOut(s.Deployment, s.Replicas, s.Generation) }

// IsRolledOut reports whether there are the wanted replicas of a generation, or of a later one, and no others.
func IsRolledOut(deployment *appsv1.Deployment, replicas int32, generation int64) bool {
	status := deployment.Status
	return status.ObservedGeneration >= max(generation, deployment.Generation, 1) &&
		status.UpdatedReplicas >= replicas && status.Replicas <= replicas
}

// problem is why not all replicas are available, as the cluster reports it.
func (s State) problem() finding.Finding {
	progressing := deploymentCondition(s.Deployment, appsv1.DeploymentProgressing)
	overdue := progressing.Status == corev1.ConditionFalse && progressing.Reason == "ProgressDeadlineExceeded"
	progress := finding.Working
	if overdue {
		progress = finding.Stalled
	}
	refused := deploymentCondition(s.Deployment, appsv1.DeploymentReplicaFailure)
	if refused.Status == corev1.ConditionTrue {
		return refusedPods(refused.Message, progress)
	}
	if found := s.podProblem(); found.Found() {
		found.Progress = progress
		return found
	}
	// The Deployment controller reports a complete rollout so, and keeps it when a replica turns unready later
	// (k8s.io/kubernetes pkg/controller/deployment/progress.go).
	if s.isRolledOut() && progressing.Reason == "NewReplicaSetAvailable" {
		return s.unavailable()
	}
	if overdue {
		return finding.Bad(v1alpha1.ReasonProgressDeadlineExceeded, excerpt.Quote(progressing.Message), progress).Alarming().
			Advising(s.describePods())
	}
	if s.Deployment.Spec.Paused {
		return finding.Bad(v1alpha1.ReasonRollingOut, "the Deployment is paused", progress).
			Advising("Resume it: kubectl -n " + s.Namespace + " rollout resume deployment " + s.Name)
	}
	return finding.Bad(v1alpha1.ReasonRollingOut, "waiting for Pods to become ready", progress)
}

// unavailable is found of a complete rollout of which replicas are not ready any more.
func (s State) unavailable() finding.Finding {
	found := finding.Bad(v1alpha1.ReasonReplicasUnavailable, "waiting for replicas to become ready again",
		finding.Working).Alarming().Advising(s.describePods())
	for _, pod := range s.newest() {
		if since := UnreadySince(&pod); !since.IsZero() {
			found.Evidence = fmt.Sprintf("Pod %s has not been ready since %s", pod.Name, pki.Timestamp(since))
			break
		}
	}
	return found
}

func (s State) describePods() string {
	return fmt.Sprintf("Inspect the Pods: kubectl -n %s describe pods -l %s", s.Namespace, labels.Set(s.Labels))
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
