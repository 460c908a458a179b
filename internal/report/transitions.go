// SPDX-License-Identifier: Apache-2.0

package report

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// Transitions returns a note for each condition whose status or reason turned.
func Transitions(before, after []metav1.Condition, findings map[string]finding.Finding) []finding.Note {
	var notes []finding.Note
	for _, condition := range after {
		earlier := meta.FindStatusCondition(before, condition.Type)
		if earlier != nil && earlier.Status == condition.Status && earlier.Reason == condition.Reason {
			continue
		}
		if n, worthAnEvent := noteOf(condition, findings[condition.Type]); worthAnEvent {
			notes = append(notes, n)
		}
	}
	return notes
}

// noteOf is about a condition that turned. Ready has an Event when it turns True; what prevents that has its own.
func noteOf(condition metav1.Condition, found finding.Finding) (n finding.Note, worthAnEvent bool) {
	if silentTypes[condition.Type] || silentReasons[condition.Reason] || condition.Status == metav1.ConditionUnknown {
		return finding.Note{}, false
	}
	n = finding.NormalNote(condition.Reason, condition.Message, nil)
	if condition.Status == metav1.ConditionTrue && (!found.Found() || !found.IsWarning()) {
		return n, true
	}
	n.Type = corev1.EventTypeWarning
	return n, condition.Type != v1alpha1.ConditionReady
}

// silentTypes repeat what other conditions say.
var silentTypes = map[string]bool{v1alpha1.ConditionReconciling: true, v1alpha1.ConditionStalled: true}

// silentReasons are the reasons that every ExtensionAPI goes through on its way, and Issued, which has an Event
// with more detail.
var silentReasons = map[string]bool{
	v1alpha1.ReasonClaimed:          true,
	v1alpha1.ReasonIssued:           true,
	v1alpha1.ReasonNotClaimed:       true,
	v1alpha1.ReasonRollingOut:       true,
	v1alpha1.ReasonWaitingForServer: true,
	v1alpha1.ReasonProbing:          true,
	v1alpha1.ReasonNotRegistered:    true,
	v1alpha1.ReasonNoneBlocked:      true,
	v1alpha1.ReasonNoControllers:    true,
	v1alpha1.ReasonNoStorage:        true,
	v1alpha1.ReasonStorageStarting:  true,
	v1alpha1.ReasonWaitingForAPI:    true,
	// The network may take a moment to send requests to a new Service.
	v1alpha1.ReasonServiceUnreachable: true,
	v1alpha1.ReasonDeleting:           true,
	// The Event of the ejection says more.
	v1alpha1.ReasonReplicaEjected: true,
}
