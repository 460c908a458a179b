// SPDX-License-Identifier: Apache-2.0

package terminating

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// IsSuspect reports whether requests to delete objects of an ExtensionAPI with these conditions may well fail.
func IsSuspect(conditions []metav1.Condition) bool {
	served := meta.FindStatusCondition(conditions, v1alpha1.ConditionServesObjects)
	return served != nil && served.Status == metav1.ConditionFalse && served.Reason == v1alpha1.ReasonListFails ||
		meta.IsStatusConditionFalse(conditions, v1alpha1.ConditionAPIServicesAvailable)
}
