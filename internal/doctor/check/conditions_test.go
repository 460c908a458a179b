// SPDX-License-Identifier: Apache-2.0

package check

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

func TestAConditionThatKeepsAnExtensionAPIFromBeingReadyIsCritical(t *testing.T) {
	for conditionType, want := range map[string]finding.Severity{
		v1alpha1.ConditionServerAvailable:      finding.Critical,
		v1alpha1.ConditionReady:                finding.Info,
		v1alpha1.ConditionDiscoveryWithinLimit: finding.Warning,
		// Controllers wait until the API is ready.
		v1alpha1.ConditionControllersAvailable: finding.Warning,
	} {
		if got := severityOf(&metav1.Condition{Type: conditionType, Status: metav1.ConditionFalse}, true); got != want {
			t.Errorf("%s is %v, want %v", conditionType, got, want)
		}
	}
}
