// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestAStatusWaitsAfterTheLastOneUnlessReadyTurnsOrSomethingFails(t *testing.T) {
	status := func(ready metav1.ConditionStatus) *v1alpha1.ExtensionAPIStatus {
		return &v1alpha1.ExtensionAPIStatus{
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: ready}},
		}
	}
	isTrue, isFalse := status(metav1.ConditionTrue), status(metav1.ConditionFalse)
	isUnknown := status(metav1.ConditionUnknown)
	isReconciling := status(metav1.ConditionUnknown)
	isReconciling.Conditions = append(isReconciling.Conditions,
		metav1.Condition{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue})
	first, observed := isFalse.DeepCopy(), isFalse.DeepCopy()
	first.ObservedGeneration, observed.ObservedGeneration = 1, 2
	failed := first.DeepCopy()
	failed.Conditions = append(failed.Conditions,
		metav1.Condition{Type: v1alpha1.ConditionDiscoveryWithinLimit, Status: metav1.ConditionFalse})
	rotating := isTrue.DeepCopy()
	rotating.Certificate = &v1alpha1.CertificateStatus{Rotation: &v1alpha1.RotationStatus{}}
	for name, test := range map[string]struct {
		before, after   *v1alpha1.ExtensionAPIStatus
		sinceLast, want time.Duration
		othersRegister  bool
	}{
		"the first one": {&v1alpha1.ExtensionAPIStatus{}, isUnknown, 0, Pause, false},
		"the first one, on its way": {
			&v1alpha1.ExtensionAPIStatus{}, isReconciling, Pause, firstPause - Pause, false,
		},
		"on the way":                                   {isUnknown, isFalse, Pause / 4, Pause * 3 / 4, false},
		"on the way, after a while":                    {isUnknown, isFalse, 2 * Pause, 0, false},
		"Ready, at once":                               {isFalse, isTrue, 0, 0, false},
		"Ready, while others are registered":           {isFalse, isTrue, 0, yield, true},
		"Ready, after a while":                         {isFalse, isTrue, longestPause, 0, true},
		"no longer Ready, while others are registered": {isTrue, isUnknown, 0, 0, true},
		"no longer Ready, at once":                     {isTrue, isUnknown, 0, 0, false},
		"the first generation":                         {isUnknown, first, 0, Pause, false},
		"another generation":                           {first, observed, 0, 0, false},
		"another condition turned False":               {first, failed, 0, 0, false},
		"a rotation begins":                            {isTrue, rotating, 0, 0, false},
		"a rotation goes on":                           {rotating, rotating, 0, Pause, false},
		"it is False as before":                        {failed, failed, 0, Pause, false},
		"Ready as before":                              {isTrue, isTrue, 0, Pause, false},
	} {
		if got := Wait(test.before, test.after, test.sinceLast, test.othersRegister); got != test.want {
			t.Errorf("%s: it waits for %s, want %s", name, got, test.want)
		}
	}
}
