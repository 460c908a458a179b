// SPDX-License-Identifier: Apache-2.0

package report

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Pause is how long a status may wait after the last one: on its way to Ready, an ExtensionAPI takes several steps
// within a second or two, and each would be a request.
const Pause = 2 * time.Second

// FirstPause is how long the first status may wait while there is nothing in it for a person to do: where nothing is
// wrong, an ExtensionAPI is Ready by then, and needs one write.
const FirstPause = 5 * time.Second

// Wait returns how long a status is not written yet, 0 if it is. That an ExtensionAPI is Ready, or no longer, is never
// late, nor that a change of its spec was observed, as what is left of the earlier spec is deleted until then.
func Wait(before, after *v1alpha1.ExtensionAPIStatus, sinceLast time.Duration) time.Duration {
	isFirst := before.ObservedGeneration <= 0
	if isReady(before) != isReady(after) || !isFirst && before.ObservedGeneration != after.ObservedGeneration {
		return 0
	}
	pause := Pause
	if isFirst && meta.IsStatusConditionTrue(after.Conditions, v1alpha1.ConditionReconciling) {
		pause = FirstPause
	}
	return max(0, pause-sinceLast)
}

func isReady(status *v1alpha1.ExtensionAPIStatus) bool {
	return meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady)
}
