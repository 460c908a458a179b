// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"maps"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestPodsRunOnLinuxUnlessTheTemplateDecidesAboutThat(t *testing.T) {
	affinity := func(key string) *corev1.Affinity {
		return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{
					MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpExists}},
				}},
			},
		}}
	}
	const label = "kubernetes.io/os"
	windows := map[string]string{label: "windows"}
	for name, test := range map[string]struct {
		pod  corev1.PodSpec
		want map[string]string
	}{
		"a plain template": {corev1.PodSpec{}, map[string]string{label: "linux"}},
		"other labels": {
			corev1.PodSpec{NodeSelector: map[string]string{"a": "b"}}, map[string]string{"a": "b", label: "linux"},
		},
		"another system":         {corev1.PodSpec{NodeSelector: windows}, windows},
		"a field for the system": {corev1.PodSpec{OS: &corev1.PodOS{Name: corev1.Windows}}, nil},
		"affinity to the system": {corev1.PodSpec{Affinity: affinity(label)}, nil},
		"affinity to a zone":     {corev1.PodSpec{Affinity: affinity("zone")}, map[string]string{label: "linux"}},
		"affinity to Pods":       {corev1.PodSpec{Affinity: &corev1.Affinity{}}, map[string]string{label: "linux"}},
	} {
		t.Run(name, func(t *testing.T) {
			if fillNodeSelector(&test.pod, nil); !maps.Equal(test.pod.NodeSelector, test.want) {
				t.Errorf("it selects %v, want %v", test.pod.NodeSelector, test.want)
			}
		})
	}
}

func TestAnUpgradeOfTheOperatorSelectsNoOtherNodes(t *testing.T) {
	for name, selected := range map[string]map[string]string{
		"a Deployment of an earlier operator": nil, "a Deployment of this operator": {corev1.LabelOSStable: "linux"},
	} {
		t.Run(name, func(t *testing.T) {
			current := &appsv1.Deployment{}
			current.Spec.Template.Spec.NodeSelector = selected
			pod := corev1.PodSpec{}
			if fillNodeSelector(&pod, current); !maps.Equal(pod.NodeSelector, selected) {
				t.Errorf("it selected %v, and now selects %v", selected, pod.NodeSelector)
			}
		})
	}
}
