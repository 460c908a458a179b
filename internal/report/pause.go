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

// Wait returns how long a status is not written yet, 0 if it is. That an ExtensionAPI is Ready, or no longer, is never
// late, nor that a change of its spec was observed, as what is left of the earlier spec is deleted until then.
func Wait(before, after *v1alpha1.ExtensionAPIStatus, sinceLast time.Duration) time.Duration {
	isFirst := before.ObservedGeneration <= 0
	if isReady(before) != isReady(after) || !isFirst && before.ObservedGeneration != after.ObservedGeneration {
		return 0
	}
	return max(0, Pause-sinceLast)
}

func isReady(status *v1alpha1.ExtensionAPIStatus) bool {
	return meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady)
}
