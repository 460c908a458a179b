// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// PodLabelsInUse is found of a server whose template has labels by which an object of an earlier server selects Pods.
func PodLabelsInUse(s *snapshot.Snapshot) finding.Finding {
	return labelsInUse(s, manifests.ServerOf(s.ExtensionAPI), s.Server.Value().Deployment)
}

// ControllerLabelsInUse is found of a controller whose template has such labels.
func ControllerLabelsInUse(s *snapshot.Snapshot, controller manifests.Workload) finding.Finding {
	return labelsInUse(s, controller, s.Controllers.Value().ByName[controller.Name].Deployment)
}

func labelsInUse(s *snapshot.Snapshot, w manifests.Workload, deployment *appsv1.Deployment) finding.Finding {
	for _, selector := range s.Selectors.Value() {
		if copied := copiedLabels(w, selector.Selector); len(copied) > 0 {
			found := inUse(w, selector, copied)
			if deployment != nil && deployment.Status.AvailableReplicas > 0 {
				found.Status = metav1.ConditionTrue
			}
			return found
		}
	}
	return finding.Finding{}
}

func inUse(w manifests.Workload, by snapshot.Selector, copied []string) finding.Finding {
	what, consequences := "controller", consequencesForController
	if w.IsServer() {
		what, consequences = "server", consequencesForServer
	}
	return finding.Bad(v1alpha1.ReasonPodLabelsInUse, fmt.Sprintf(
		"%s %s/%s would select the Pods of this %s, too, so nothing is created or rolled out: the template has %s",
		by.Kind, w.Namespace, by.Name, what, strings.Join(copied, ", ")), finding.Stalled).Alarming().
		Affecting(consequences[by.Kind]).
		Advising("Remove one of these labels from " + w.Field + ".template.metadata.labels")
}

const twoBudgets = "A Pod with two PodDisruptionBudgets cannot be evicted, which blocks the drain of its node"

// What an object of that kind would do.
var (
	consequencesForServer = map[string]string{
		"Service":             "Requests for the earlier server would be sent to Pods with another certificate",
		"PodDisruptionBudget": twoBudgets,
	}
	consequencesForController = map[string]string{
		"Service":             "Requests for the earlier server would be sent to Pods that do not serve it",
		"PodDisruptionBudget": twoBudgets,
	}
)

// copiedLabels are those of the template without which a selector would not match the Pods; none where it does not,
// or does so by the operator's labels.
func copiedLabels(w manifests.Workload, by metav1.LabelSelector) []string {
	pod, template := w.PodLabels(), w.Template.Labels
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
