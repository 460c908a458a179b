// SPDX-License-Identifier: Apache-2.0

package migration

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// placement leaves out the rules that keep the Pods apart: they select by labels that the new Pods do not have.
func (m *Manifest) placement(template *corev1.PodTemplateSpec) {
	own, spec, earlier := labels.Set(template.Labels), &template.Spec, template.Spec.DeepCopy()
	spec.TopologySpreadConstraints = slices.DeleteFunc(spec.TopologySpreadConstraints,
		func(c corev1.TopologySpreadConstraint) bool { return selects(c.LabelSelector, own) })
	spec.Affinity = withoutSeparation(spec.Affinity, own)
	if !equality.Semantic.DeepEqual(earlier, spec) {
		m.note("rules that keep the Pods apart are left out, as they select by the earlier labels: unless the template has " +
			"others, the operator spreads the Pods over the nodes")
	}
}

// withoutSeparation returns the affinity without the terms that select the Pods themselves, nil if nothing is left.
func withoutSeparation(affinity *corev1.Affinity, own labels.Set) *corev1.Affinity {
	if affinity == nil || affinity.PodAntiAffinity == nil {
		return affinity
	}
	rules := affinity.PodAntiAffinity
	rules.RequiredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(
		rules.RequiredDuringSchedulingIgnoredDuringExecution,
		func(term corev1.PodAffinityTerm) bool { return selects(term.LabelSelector, own) })
	rules.PreferredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(
		rules.PreferredDuringSchedulingIgnoredDuringExecution,
		func(term corev1.WeightedPodAffinityTerm) bool {
			return selects(term.PodAffinityTerm.LabelSelector, own)
		})
	if equality.Semantic.DeepEqual(rules, &corev1.PodAntiAffinity{}) {
		affinity.PodAntiAffinity = nil
	}
	if equality.Semantic.DeepEqual(affinity, &corev1.Affinity{}) {
		return nil
	}
	return affinity
}

func selects(selector *metav1.LabelSelector, own labels.Set) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(own)
}
