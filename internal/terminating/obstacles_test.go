// SPDX-License-Identifier: Apache-2.0

package terminating

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestOnlyANamespaceThatIsBeingDeletedHasObstacles(t *testing.T) {
	namespace := remains("pods. has 1 resource instances")
	namespace.Status.Conditions = append(namespace.Status.Conditions, corev1.NamespaceCondition{
		Type: corev1.NamespaceDeletionContentFailure, Status: corev1.ConditionFalse,
	})
	if got := Obstacles(namespace); len(got) != 1 || got[0].Type != corev1.NamespaceContentRemaining {
		t.Errorf("the obstacles are %v", got)
	}
	namespace.DeletionTimestamp = nil
	if got := Obstacles(namespace); got != nil {
		t.Errorf("the obstacles are %v, although it is not being deleted", got)
	}
}

func TestANamespaceWaitsForTheSameWhileObjectsBecomeFewer(t *testing.T) {
	const pods, flunders = "pods. has 2 resource instances", "flunders.wardle.example.com has 1 resource instances"
	for name, test := range map[string]struct {
		before, after *corev1.Namespace
		same          bool
	}{
		"nothing changed":      {undeleted(1, internal), undeleted(1, internal), true},
		"another failure":      {undeleted(1, internal), undeleted(2, internal), false},
		"fewer objects":        {remains(pods), remains("pods. has 1 resource instances"), true},
		"fewer resources":      {remains(flunders + ", " + pods), remains(pods), false},
		"it begins to wait":    {&corev1.Namespace{}, remains(pods), false},
		"something else fails": {remains(pods), undeleted(1, internal), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := SameObstacles(test.before, test.after); got != test.same {
				t.Errorf("it waits for the same: %t", got)
			}
		})
	}
}

func TestAnAPIIsSuspectWhileRequestsFail(t *testing.T) {
	const objects, available = v1alpha1.ConditionServesObjects, v1alpha1.ConditionAPIServicesAvailable
	for name, test := range map[string]struct {
		condition metav1.Condition
		want      bool
	}{
		"lists fail": {metav1.Condition{Type: objects, Status: "False", Reason: v1alpha1.ReasonListFails}, true},
		"OpenAPI is broken": {
			metav1.Condition{Type: objects, Status: "False", Reason: v1alpha1.ReasonOpenAPIBroken}, false,
		},
		"objects are served":   {metav1.Condition{Type: objects, Status: "True"}, false},
		"it is not available":  {metav1.Condition{Type: available, Status: "False"}, true},
		"it is available":      {metav1.Condition{Type: available, Status: "True"}, false},
		"another owner has it": {metav1.Condition{Type: v1alpha1.ConditionClaimed, Status: "False"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IsSuspect([]metav1.Condition{test.condition}); got != test.want {
				t.Errorf("it is suspect: %t", got)
			}
		})
	}
}
