// SPDX-License-Identifier: Apache-2.0

package finding

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Note becomes an Event.
type Note struct {
	Type    string
	Reason  string
	Message string
	// Related is what it is about beside the ExtensionAPI, nil for nothing: of two Events within minutes that have the
	// same reason and are related to the same object, only the first message is kept (client-go tools/events).
	Related runtime.Object
}

// NormalNote is about something that went as intended.
func NormalNote(reason, message string, related runtime.Object) Note {
	return Note{corev1.EventTypeNormal, reason, message, related}
}

// WarningNote is about something that a user should look at.
func WarningNote(reason, message string, related runtime.Object) Note {
	return Note{corev1.EventTypeWarning, reason, message, related}
}
