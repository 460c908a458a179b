// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// meshes are the containers that service meshes inject, with how to switch that off for a Pod.
var meshes = map[string]string{
	"istio-proxy":   `Set the label sidecar.istio.io/inject: "false" in {field}.template.metadata.labels`,
	"linkerd-proxy": "Set the annotation linkerd.io/inject: disabled in {field}.template.metadata.annotations",
}

// explainable are the reasons that do not say why a Pod is not ready, or only that it does not answer.
var explainable = []string{
	v1alpha1.ReasonRollingOut, v1alpha1.ReasonProgressDeadlineExceeded, v1alpha1.ReasonUnhealthy,
	v1alpha1.ReasonReplicasUnavailable,
}

// withInjected explains a problem by a container that is injected into a Pod that has not been ready for some time.
func (s State) withInjected(problem finding.Finding) finding.Finding {
	if !slices.Contains(explainable, problem.Code) {
		return problem
	}
	unready := slices.DeleteFunc(s.newest(), func(pod corev1.Pod) bool {
		cause, known := s.causeOf(&pod)
		// A response was not intercepted, and a token that is not valid explains everything.
		return !known || len(cause.Readyz.Failed) > 0 || cause.RecreatedAccount != ""
	})
	return s.explainedBy(problem, unready)
}

// ExplainedByInjected adds to a problem of Pods that a container in one of them is not of the template, if so. A Pod of
// an earlier revision may have a container that only the earlier template had.
func (s State) ExplainedByInjected(problem finding.Finding, isAffected func(corev1.Pod) bool) finding.Finding {
	affected := slices.DeleteFunc(s.newest(), func(pod corev1.Pod) bool { return !isAffected(pod) })
	return s.located(s.explainedBy(problem, affected))
}

func (s State) explainedBy(problem finding.Finding, pods []corev1.Pod) finding.Finding {
	for i := range pods {
		if container := injected(&pods[i], s.Template); container != "" {
			return explain(problem, pods[i].Name, container)
		}
	}
	return problem
}

func explain(problem finding.Finding, pod, container string) finding.Finding {
	remedy, isMesh := meshes[container]
	problem.BlastRadius = fmt.Sprintf("Pod %s runs the container %s, which was injected and is not in the template", pod,
		container)
	if isMesh {
		problem.BlastRadius += "; a service mesh that requires mTLS rejects kube-apiserver and the kubelet"
		return problem.Alarming().Advising(remedy)
	}
	if problem.Remedy == "" {
		problem.Remedy = "If it intercepts connections, switch its injection off for these Pods"
	}
	return problem.Alarming()
}

// injected is the name of a container that is not in the template, that of a service mesh first, or empty.
func injected(pod *corev1.Pod, template corev1.PodTemplateSpec) string {
	var foreign string
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		isOwn := func(container corev1.Container) bool { return container.Name == status.Name }
		if slices.ContainsFunc(slices.Concat(template.Spec.InitContainers, template.Spec.Containers), isOwn) {
			continue
		}
		if _, isMesh := meshes[status.Name]; isMesh {
			return status.Name
		}
		foreign = status.Name
	}
	return foreign
}
