// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Pause is how long a status may wait after the last one: on its way to Ready, an ExtensionAPI takes several steps
// within a second or two, and each would be a request.
const Pause = 2 * time.Second

const (
	// firstPause is how long the first status may wait while there is nothing in it for a person to do: where nothing is
	// wrong, an ExtensionAPI is Ready by then, and needs one write.
	firstPause = 5 * time.Second
	// longestPause is how long a status gives way to the registration of others, as clients wait for an API to be served.
	longestPause = 15 * time.Second
	// yield is when a status that gives way is looked at again.
	yield = 2 * time.Second
)

// Wait returns how long a status is not written yet, 0 if it is. That something has failed is never late, nor that a
// rotation begins, nor that a change of the spec was observed, as what is left of the earlier spec is deleted until
// then. That an ExtensionAPI is Ready gives way to others that are about to be registered.
func Wait(
	before, after *v1alpha1.ExtensionAPIStatus, sinceLast time.Duration, othersRegister bool,
) time.Duration {
	isOnItsWay := isFirst(before) && meta.IsStatusConditionTrue(after.Conditions, v1alpha1.ConditionReconciling)
	turned := isReady(before) != isReady(after)
	switch {
	case isUrgent(before, after):
		return 0
	case othersRegister && (turned || isOnItsWay):
		return min(yield, max(0, longestPause-sinceLast))
	case turned:
		return 0
	default:
		return max(0, pauseOf(isOnItsWay)-sinceLast)
	}
}

func pauseOf(isOnItsWay bool) time.Duration {
	if isOnItsWay {
		return firstPause
	}
	return Pause
}

func isFirst(before *v1alpha1.ExtensionAPIStatus) bool { return before.ObservedGeneration <= 0 }

func isUrgent(before, after *v1alpha1.ExtensionAPIStatus) bool {
	return isReady(before) && !isReady(after) || fails(before, after) || observesAnother(before, after) ||
		!rotates(before) && rotates(after)
}

// fails reports whether a condition turned False. All that are not met yet do in the first status.
func fails(before, after *v1alpha1.ExtensionAPIStatus) bool {
	return !isFirst(before) && slices.ContainsFunc(after.Conditions, func(condition metav1.Condition) bool {
		return condition.Type != v1alpha1.ConditionReconciling && condition.Type != v1alpha1.ConditionStalled &&
			condition.Status == metav1.ConditionFalse &&
			!meta.IsStatusConditionFalse(before.Conditions, condition.Type)
	})
}

func rotates(status *v1alpha1.ExtensionAPIStatus) bool {
	return status.Certificate != nil && status.Certificate.Rotation != nil
}

// observesAnother reports whether another generation was observed.
func observesAnother(before, after *v1alpha1.ExtensionAPIStatus) bool {
	return !isFirst(before) && before.ObservedGeneration != after.ObservedGeneration
}

func isReady(status *v1alpha1.ExtensionAPIStatus) bool {
	return meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady)
}
