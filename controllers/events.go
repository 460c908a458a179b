// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// action is what the events API wants to know of the operator's deed; it only ever reconciles.
const action = "Reconcile"

func (r *Reconciler) sendEvents(s *scope, notes []note) {
	for _, n := range notes {
		r.Events.Eventf(s.ExtensionAPI, nil, n.eventType, n.reason, action, "%s", shorten(n.message, maxNote))
	}
}

// transitions returns a note for each condition whose status or reason turned. Ready speaks when it turns True; what
// stands in its way speaks for itself.
func transitions(before, after []metav1.Condition) []note {
	var notes []note
	for _, condition := range after {
		earlier := meta.FindStatusCondition(before, condition.Type)
		if earlier != nil && earlier.Status == condition.Status && earlier.Reason == condition.Reason {
			continue
		}
		if silentTypes[condition.Type] || silentReasons[condition.Reason] {
			continue
		}
		switch condition.Status {
		case metav1.ConditionTrue:
			notes = append(notes, note{corev1.EventTypeNormal, condition.Reason, condition.Message})
		case metav1.ConditionFalse:
			if condition.Type != v1alpha1.ConditionReady {
				notes = append(notes, note{corev1.EventTypeWarning, condition.Reason, condition.Message})
			}
		}
	}
	return notes
}

// silentTypes repeat what other conditions say.
var silentTypes = map[string]bool{v1alpha1.ConditionReconciling: true, v1alpha1.ConditionStalled: true}

// silentReasons are the reasons that every ExtensionAPI goes through on its way, and Issued, for which there is a note
// with more to say.
var silentReasons = map[string]bool{
	v1alpha1.ReasonIssued:           true,
	v1alpha1.ReasonRollingOut:       true,
	v1alpha1.ReasonWaitingForServer: true,
	v1alpha1.ReasonProbing:          true,
	v1alpha1.ReasonNotRegistered:    true,
	// The network may take a moment to send requests to a new Service.
	v1alpha1.ReasonServiceUnreachable: true,
	v1alpha1.ReasonDeleting:           true,
}
