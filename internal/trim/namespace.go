// SPDX-License-Identifier: Apache-2.0

package trim

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/extensionapi/extensionapi-operator/internal/terminating"
)

// namespace keeps the one annotation of another owner that is read, and why one that is being deleted is still there.
func namespace(full *corev1.Namespace) corev1.Namespace {
	kept := corev1.Namespace{ObjectMeta: metadata(&full.ObjectMeta)}
	kept.Annotations = labels.Merge(kept.Annotations, first(1, full.Annotations, isAssignedUsers))
	kept.Status.Conditions = each(terminating.Obstacles(full), obstacle)
	return kept
}

func obstacle(full corev1.NamespaceCondition) corev1.NamespaceCondition {
	return corev1.NamespaceCondition{
		Type:               full.Type,
		Status:             full.Status,
		LastTransitionTime: full.LastTransitionTime,
		Message:            beginning(full.Message, maxObstacle),
	}
}
