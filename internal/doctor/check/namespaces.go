// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// stuckFor are the conditions of a namespace whose deletion does not go on (k8s.io/api/core/v1).
var stuckFor = []corev1.NamespaceConditionType{
	corev1.NamespaceDeletionDiscoveryFailure, corev1.NamespaceDeletionGVParsingFailure,
	corev1.NamespaceDeletionContentFailure,
}

// namespaces reports those that cannot be deleted because of an API, and which. Those that wait for finalizers of
// objects are not held by the aggregation layer.
func namespaces(v *view.View) []Result {
	terminating, known := v.Terminating.Get()
	if !known {
		return []Result{ofCluster(notChecked(v.Terminating.Err()))}
	}
	var results []Result
	for i := range terminating {
		namespace := &terminating[i]
		if found := stuck(v, namespace); found != (finding.Finding{}) {
			results = append(results, Result{found.About("Namespace " + namespace.Name), kindNamespace + namespace.Name})
		}
	}
	if len(results) == 0 {
		return []Result{ofCluster(ok(fmt.Sprintf("no namespace is stuck in its deletion (%d are being "+
			"deleted)", len(terminating))))}
	}
	return results
}

func stuck(v *view.View, namespace *corev1.Namespace) finding.Finding {
	for _, conditionType := range stuckFor {
		condition := conditionOf(namespace, conditionType)
		if condition == nil || condition.Status != corev1.ConditionTrue {
			continue
		}
		evidence := fmt.Sprintf("its deletion does not go on: %s: %s", condition.Type, excerpt.Quote(condition.Message))
		if culprits := culpritsOf(v, condition.Message); len(culprits) > 0 {
			evidence += "; it is held by " + strings.Join(culprits, ", ")
		}
		return broken("", evidence).
			Affecting("Everyone who waits for the deletion of this namespace, or uses its name again").
			Advising("Repair the APIServices in this report; do not remove the namespace's finalizer, that leaves " +
				"objects behind")
	}
	return finding.Finding{}
}

func conditionOf(namespace *corev1.Namespace, conditionType corev1.NamespaceConditionType) *corev1.NamespaceCondition {
	for i := range namespace.Status.Conditions {
		if namespace.Status.Conditions[i].Type == conditionType {
			return &namespace.Status.Conditions[i]
		}
	}
	return nil
}

// culpritsOf are the APIServices that the message names, or else those whose objects cannot be listed: the namespace
// controller does not repeat the group of a failed LIST.
func culpritsOf(v *view.View, message string) []string {
	var named, failing []string
	for _, apiService := range v.APIServices.Value() {
		if strings.Contains(message, apiService.GroupVersion().String()) {
			named = append(named, apiService.Name)
		}
		for _, list := range apiService.Lists.Value() {
			if list.Failure != "" && !list.Forbidden {
				failing = append(failing, apiService.Name)
				break
			}
		}
	}
	if len(named) > 0 {
		return named
	}
	return failing
}
