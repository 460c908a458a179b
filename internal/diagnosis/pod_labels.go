// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// PodLabelsInUse is found of a template with labels by which an object of an earlier server selects Pods.
func PodLabelsInUse(s *snapshot.Snapshot) finding.Finding {
	for _, selector := range s.Selectors.Value() {
		if copied := copiedLabels(s.ExtensionAPI, selector.Selector); len(copied) > 0 {
			return inUse(s, selector, copied)
		}
	}
	return finding.Finding{}
}

func inUse(s *snapshot.Snapshot, by snapshot.Selector, copied []string) finding.Finding {
	found := finding.Bad(v1alpha1.ReasonPodLabelsInUse, fmt.Sprintf(
		"%s %s/%s would select the Pods of this server, too, so nothing is created or rolled out: the template has %s",
		by.Kind, s.Backend.Namespace, by.Name, strings.Join(copied, ", ")), finding.Stalled).Alarming().
		Affecting(consequences[by.Kind]).
		Advising("Remove one of these labels from spec.server.template.metadata.labels")
	if deployment := s.Server.Value().Deployment; deployment != nil && deployment.Status.AvailableReplicas > 0 {
		found.Status = metav1.ConditionTrue
	}
	return found
}

var consequences = map[string]string{
	"Service":             "Requests for the earlier server would be sent to Pods with another certificate",
	"PodDisruptionBudget": "A Pod with two PodDisruptionBudgets cannot be evicted, which blocks the drain of its node",
}

// copiedLabels are those of the template without which a selector would not match the Pods; none where it does not,
// or does so by the operator's labels.
func copiedLabels(extensionAPI *v1alpha1.ExtensionAPI, by metav1.LabelSelector) []string {
	pod, template := manifests.ServerOf(extensionAPI).PodLabels(), extensionAPI.Spec.Server.Template.Labels
	selector, err := metav1.LabelSelectorAsSelector(&by)
	if err != nil || !selector.Matches(labels.Set(pod)) {
		return nil
	}
	var copied []string
	for _, key := range slices.Sorted(maps.Keys(template)) {
		without := labels.Set(maps.Clone(pod))
		if delete(without, key); !selector.Matches(without) {
			copied = append(copied, key+"="+template[key])
		}
	}
	return copied
}
