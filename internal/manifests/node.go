// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// fillNodeSelector keeps Pods from nodes with another operating system, which cannot run an image for Linux, unless the
// template decides about that. current is the Deployment, nil if there is none: one that an earlier operator created
// without it stays so, since an upgrade of the operator replaces no Pod.
func fillNodeSelector(pod *corev1.PodSpec, current *appsv1.Deployment) {
	if current != nil && current.Spec.Template.Spec.NodeSelector[corev1.LabelOSStable] == "" {
		return
	}
	if _, selects := pod.NodeSelector[corev1.LabelOSStable]; selects || pod.OS != nil || hasAffinityToOS(pod.Affinity) {
		return
	}
	if pod.NodeSelector == nil {
		pod.NodeSelector = map[string]string{}
	}
	pod.NodeSelector[corev1.LabelOSStable] = string(corev1.Linux)
}

func hasAffinityToOS(affinity *corev1.Affinity) bool {
	if affinity == nil || affinity.NodeAffinity == nil {
		return false
	}
	required := affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	return required != nil && slices.ContainsFunc(required.NodeSelectorTerms, func(term corev1.NodeSelectorTerm) bool {
		return slices.ContainsFunc(term.MatchExpressions, func(requirement corev1.NodeSelectorRequirement) bool {
			return requirement.Key == corev1.LabelOSStable
		})
	})
}
