// SPDX-License-Identifier: Apache-2.0

package observe

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

var noon = snapshottest.Noon

// ready is a ready Pod.
func ready(name string) corev1.Pod {
	pod := corev1.Pod{Status: corev1.PodStatus{
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}}
	pod.Name = name
	return pod
}
