// SPDX-License-Identifier: Apache-2.0

package report

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Note is an Event to be sent after the status has been written.
type Note struct {
	Type    string
	Reason  string
	Message string
	// Related is what it is about beside the ExtensionAPI, nil for nothing: of two Events within minutes that are of the
	// same reason and related to the same, only the first message is kept (client-go tools/events).
	Related runtime.Object
}

// Normal is of what went as it should.
func Normal(reason, message string, related runtime.Object) Note {
	return Note{corev1.EventTypeNormal, reason, message, related}
}

// Warning is of what a person should look at.
func Warning(reason, message string, related runtime.Object) Note {
	return Note{corev1.EventTypeWarning, reason, message, related}
}

// Transitions returns a note for each condition whose status or reason turned.
func Transitions(before, after []metav1.Condition) []Note {
	var notes []Note
	for _, condition := range after {
		earlier := meta.FindStatusCondition(before, condition.Type)
		if earlier != nil && earlier.Status == condition.Status && earlier.Reason == condition.Reason {
			continue
		}
		if n, worthTelling := noteOf(condition); worthTelling {
			notes = append(notes, n)
		}
	}
	return notes
}

// noteOf is about a condition that turned. Ready speaks when it turns True; what stands in its way speaks for itself.
func noteOf(condition metav1.Condition) (n Note, worthTelling bool) {
	if silentTypes[condition.Type] || silentReasons[condition.Reason] || condition.Status == metav1.ConditionUnknown {
		return Note{}, false
	}
	n = Note{Type: corev1.EventTypeNormal, Reason: condition.Reason, Message: condition.Message}
	if condition.Status == metav1.ConditionTrue && !problemReasons[condition.Reason] {
		return n, true
	}
	n.Type = corev1.EventTypeWarning
	return n, condition.Type != v1alpha1.ConditionReady
}

// silentTypes repeat what other conditions say.
var silentTypes = map[string]bool{v1alpha1.ConditionReconciling: true, v1alpha1.ConditionStalled: true}

// problemReasons are worth a warning also while old replicas, or an old certificate, still serve.
var problemReasons = map[string]bool{
	v1alpha1.ReasonCertManagerDisabled:  true,
	v1alpha1.ReasonCertManagerMissing:   true,
	v1alpha1.ReasonContainerConfigError: true,
	v1alpha1.ReasonContested:            true,
	v1alpha1.ReasonCrashing:             true,
	v1alpha1.ReasonExpiresSoon:          true,
	v1alpha1.ReasonImagePullFailed:      true,
	v1alpha1.ReasonNameConflict:         true,
	v1alpha1.ReasonNearLimit:            true,
	v1alpha1.ReasonOpenAPISlow:          true,
	v1alpha1.ReasonPodsRefused:          true,
	v1alpha1.ReasonRefused:              true,
	v1alpha1.ReasonRolloutStalled:       true,
	v1alpha1.ReasonRotationStuck:        true,
	v1alpha1.ReasonSecretNotFound:       true,
	v1alpha1.ReasonSecretRefused:        true,
	v1alpha1.ReasonUnschedulable:        true,
}

// silentReasons are the reasons that every ExtensionAPI goes through on its way, and Issued, for which there is a note
// with more to say.
var silentReasons = map[string]bool{
	v1alpha1.ReasonClaimed:          true,
	v1alpha1.ReasonIssued:           true,
	v1alpha1.ReasonNotClaimed:       true,
	v1alpha1.ReasonRollingOut:       true,
	v1alpha1.ReasonWaitingForServer: true,
	v1alpha1.ReasonProbing:          true,
	v1alpha1.ReasonNotRegistered:    true,
	// The network may take a moment to send requests to a new Service.
	v1alpha1.ReasonServiceUnreachable: true,
	v1alpha1.ReasonDeleting:           true,
	// The Event of the ejection says more.
	v1alpha1.ReasonReplicaEjected: true,
}
