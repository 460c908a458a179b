// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestAStatusWaitsAfterTheLastOneUnlessReadyTurns(t *testing.T) {
	status := func(ready metav1.ConditionStatus) *v1alpha1.ExtensionAPIStatus {
		return &v1alpha1.ExtensionAPIStatus{
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: ready}},
		}
	}
	isTrue, isFalse := status(metav1.ConditionTrue), status(metav1.ConditionFalse)
	isUnknown := status(metav1.ConditionUnknown)
	first, observed := isFalse.DeepCopy(), isFalse.DeepCopy()
	first.ObservedGeneration, observed.ObservedGeneration = 1, 2
	for name, test := range map[string]struct {
		before, after   *v1alpha1.ExtensionAPIStatus
		sinceLast, want time.Duration
	}{
		"the first one":             {&v1alpha1.ExtensionAPIStatus{}, isUnknown, 0, Pause},
		"on the way":                {isUnknown, isFalse, Pause / 4, Pause * 3 / 4},
		"on the way, after a while": {isUnknown, isFalse, 2 * Pause, 0},
		"Ready, at once":            {isFalse, isTrue, 0, 0},
		"no longer Ready, at once":  {isTrue, isUnknown, 0, 0},
		"the first generation":      {isUnknown, first, 0, Pause},
		"another generation":        {first, observed, 0, 0},
		"Ready as before":           {isTrue, isTrue, 0, Pause},
	} {
		if got := Wait(test.before, test.after, test.sinceLast); got != test.want {
			t.Errorf("%s: it waits for %s, want %s", name, got, test.want)
		}
	}
}
