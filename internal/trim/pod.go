// SPDX-License-Identifier: Apache-2.0

package trim

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

func pod(full *corev1.Pod) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metadata(&full.ObjectMeta),
		Spec: corev1.PodSpec{
			NodeName:           full.Spec.NodeName,
			ServiceAccountName: full.Spec.ServiceAccountName,
			Containers:         containers(full.Spec.Containers),
		},
		Status: corev1.PodStatus{
			Phase:                 full.Status.Phase,
			PodIP:                 full.Status.PodIP,
			PodIPs:                slices.Clone(head(full.Status.PodIPs, 2)), // one of each family
			Conditions:            conditions(full.Status.Conditions),
			InitContainerStatuses: each(head(full.Status.InitContainerStatuses, maxContainers), containerStatus),
			ContainerStatuses:     each(head(full.Status.ContainerStatuses, maxContainers), containerStatus),
		},
	}
}

// containers keeps only the ports of the container that serves the API.
func containers(full []corev1.Container) []corev1.Container {
	for _, container := range full {
		if container.Name == v1alpha1.ServerContainer {
			return []corev1.Container{{
				Name: container.Name,
				Ports: each(head(container.Ports, maxPorts), func(port corev1.ContainerPort) corev1.ContainerPort {
					return corev1.ContainerPort{Name: port.Name, ContainerPort: port.ContainerPort}
				}),
			}}
		}
	}
	return nil
}

// readConditions are those that say why a Pod is not ready.
var readConditions = []corev1.PodConditionType{
	corev1.PodReady, corev1.PodScheduled, corev1.PodReadyToStartContainers, corev1.PodInitialized,
}

func conditions(full []corev1.PodCondition) []corev1.PodCondition {
	read := slices.DeleteFunc(slices.Clone(full), func(condition corev1.PodCondition) bool {
		return !slices.Contains(readConditions, condition.Type)
	})
	return each(read, func(condition corev1.PodCondition) corev1.PodCondition {
		return corev1.PodCondition{
			Type:               condition.Type,
			Status:             condition.Status,
			Reason:             text(condition.Reason),
			Message:            text(condition.Message),
			LastTransitionTime: condition.LastTransitionTime,
		}
	})
}

func containerStatus(full corev1.ContainerStatus) corev1.ContainerStatus {
	return corev1.ContainerStatus{
		Name:                 full.Name,
		Ready:                full.Ready,
		Started:              full.Started,
		State:                containerState(full.State),
		LastTerminationState: corev1.ContainerState{Terminated: terminated(full.LastTerminationState.Terminated)},
	}
}

func containerState(full corev1.ContainerState) corev1.ContainerState {
	kept := corev1.ContainerState{Running: full.Running, Terminated: terminated(full.Terminated)}
	if waiting := full.Waiting; waiting != nil {
		kept.Waiting = &corev1.ContainerStateWaiting{Reason: text(waiting.Reason), Message: text(waiting.Message)}
	}
	return kept
}

// terminated omits the termination message, which is only for users who may read the container's log, but for the words
// of the runtime about a program of another architecture.
func terminated(full *corev1.ContainerStateTerminated) *corev1.ContainerStateTerminated {
	if full == nil {
		return nil
	}
	return &corev1.ContainerStateTerminated{
		ExitCode: full.ExitCode, Reason: text(full.Reason), Message: excerpt.OfTermination(full.Message),
	}
}
